import type { Body } from './answer.js'

/** A mini program, as it proves itself. */
interface Credentials {
  appId: string
  appSecret: string
}

/** What is wrong with the credentials of a code2Session, as an errcode; 0 when nothing is. That what is missing comes first is a guess. */
export function checkExchange(fields: Body, { appId, appSecret }: Credentials): number {
  if (!fields.appid) return 41002
  if (!fields.secret) return 41004
  if (!fields.js_code) return 41008
  if (fields.grant_type !== 'authorization_code') return 40002
  if (fields.appid !== appId) return 40013
  return fields.secret === appSecret ? 0 : 40125
}

/** The same for a token: a wrong appid is said before anything that is missing, as was seen of `/cgi-bin/token`. */
export function checkTokenCall(fields: Body, { appId, appSecret }: Credentials): number {
  if (!fields.appid) return 41002
  if (fields.appid !== appId) return 40013
  if (fields.grant_type !== 'client_credential') return 40002
  if (!fields.secret) return 41004
  return fields.secret === appSecret ? 0 : 40125
}
