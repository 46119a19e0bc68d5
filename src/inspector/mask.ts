/** How much of a secret is shown. */
export type Mask = (secret: string) => string

/** The first characters tell one from another; the rest is what makes it a secret. */
export function createMask(isUnmasked: boolean): Mask {
  return isUnmasked
    ? (secret) => secret
    : (secret) => `${secret.slice(0, shownOf(secret))}…(${secret.length})`
}

function shownOf({ length }: string): number {
  return Math.min(6, Math.floor(length / 4))
}

/** Names of fields in JSON whose texts are secrets, wherever they stand. */
const SECRETS =
  'session_key|sessionKey|session|token|access_token|refresh_token|appSecret|secret|password|encryptedData'

const IN_JSON = new RegExp(`("(?:${SECRETS})"\\s*:\\s*")((?:[^"\\\\]|\\\\.)*)`, 'g')
const CODE_IN_JSON = /("(?:code|js_code)"\s*:\s*")((?:[^"\\]|\\.)*)/g
const IN_QUERY = new RegExp(`([?&](?:code|js_code|${SECRETS})=)([^&#]*)`, 'g')

/** A body with its secrets cut. A code is one in what a client sends, and the name of an error in what it gets. */
export function maskedBody(text: string, mask: Mask, isRequest: boolean): string {
  const replace = (_: string, before: string, secret: string) => before + mask(secret)
  const masked = text.replace(IN_JSON, replace)
  return isRequest ? masked.replace(CODE_IN_JSON, replace) : masked
}

export function maskedPath(path: string, mask: Mask): string {
  return path.replace(IN_QUERY, (_, before: string, secret: string) => before + mask(secret))
}
