/** What may be kept of what WeChat says, and of a failure to hear from it. */

/** "System error": WeChat is busy, and may or may not have done what it was asked. */
export const BUSY = -1

/**
 * What to do about errcodes that are our own fault: no code and no user can mend them.
 * developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
 */
export const ADVICE: Readonly<Record<number, string>> = {
  40002: 'grant_type was refused: is wechat.baseUrl really WeChat?',
  40003: 'the openId is none of this mini program: is it of another appId?',
  40013: 'the appId is wrong: compare it with the one in the mini program console',
  40090: "this server's IP address was refused: check the proxy between it and WeChat",
  40125: 'the appSecret is wrong or was reset: copy the current one from the mini program console',
  40164: "this server's IP address is not on the IP whitelist: add it in the mini program console",
  40243: 'the appSecret is frozen: unfreeze it in the mini program console',
  41001: 'the access_token did not arrive: does a proxy cut the query string?',
  41002: 'the appId did not arrive: does a proxy cut the query string, or the body?',
  41004: 'the appSecret did not arrive: does a proxy cut the query string, or the body?',
  45009: "the appId's daily quota of calls is used up",
  48001: 'this appId may not use this API: check its permissions in the mini program console',
  48004: 'this API is closed to the mini program: see the notices in its console',
  50002: 'the mini program is restricted: see the notices in its console',
  50004: 'the mini program is being punished: see the notices in its console',
  61003: 'the third-party platform is not authorised by this mini program',
}

/** What WeChat says of a code that is good for nobody: "invalid code", "code been used". */
export const CODE_REFUSED: ReadonlySet<number> = new Set([40029, 40163])

/** Seconds. 45011 is a limit per minute; the daily quota ends at midnight in Beijing, so an hour is as good. */
export const RETRY_AFTER: Readonly<Record<number, number>> = { 45011: 60, 45009: 3600 }

/** The id that WeChat's support asks for, from `…, rid: 652d44d0-1d0af18b-5b069232`; nothing else of the text. */
export function traceId(errmsg: unknown): string | undefined {
  return typeof errmsg === 'string' ? /\b(?:rid|req_id): ?([\w-]{1,64})/.exec(errmsg)?.[1] : undefined
}

/** A refusal as it is logged. */
export function describeAnswer(errcode: number, rid: string | undefined): string {
  return `errcode ${errcode}, ${rid ? `rid ${rid}` : 'no rid'}`
}

/** A name like ECONNREFUSED: all that may be kept of an error that may hold the URL. */
export function networkErrorCode(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const names = [cause?.code, code].filter((name) => typeof name === 'string' && /^\w{1,40}$/.test(name))
  return String(names[0] ?? 'no connection')
}
