import {
  CODE_HEADER,
  CODE_LOGIN,
  LOGIN_HEADER,
  RAW_DATA_HEADER,
  SIGNATURE_HEADER,
} from '../../src/protocol.js'
import type { SessionOptions, UserData } from './types.js'
import { attempt } from './util.js'
import type { Header, Wx, WxError } from './wx.js'

/** What a login request carries, and since when it has been good. */
export interface LoginData {
  header: Header
  /** Unix ms. */
  since: number
}

/** ms. A code lives five minutes; one that is nearly as old is not worth a request. */
export const CODE_LIFE = 270_000

/**
 * Gets a fresh code, and then (WeChat signs with the key of the latest code) what the user lets us know. Only the
 * code can fail a login: user info that is refused, hangs or makes no sense is left out.
 */
export function loginSource(
  wx: Wx,
  timeout: number,
  profile: SessionOptions['profile'],
): () => Promise<LoginData> {
  /** How many codes there were. */
  let codes = 0

  return async () => {
    const { code } = await called<{ code?: unknown }>(timeout, (success, fail) => {
      const counted = (result: { code: string }) => {
        codes++
        success(result)
      }
      wx.login({ timeout, success: counted, fail })
    })
    if (typeof code !== 'string' || !code) throw { errMsg: 'login:no code' }

    const since = Date.now()
    const latest = codes
    const userData = await called<Partial<UserData> | undefined>(timeout, (success, fail) => {
      if (typeof profile === 'function') profile().then(success, fail)
      else if (profile !== 'none' && wx.getUserInfo) wx.getUserInfo({ success, fail })
      else success(undefined)
    }).catch(() => undefined)
    // A `wx.login` that was given up may call back late: then this is signed with the key of that one.
    return { header: loginHeader(code, codes === latest ? userData : undefined), since }
  }
}

function loginHeader(code: string, userData: Partial<UserData> | undefined): Header {
  const { rawData, signature } = userData || {}
  const isSigned = typeof rawData === 'string' && typeof signature === 'string'
  // No URI can hold half an emoji.
  const encoded = isSigned && attempt(() => encodeURIComponent(rawData))
  return Object.assign(
    { [CODE_HEADER]: code },
    encoded ? { [RAW_DATA_HEADER]: encoded, [SIGNATURE_HEADER]: signature } : { [LOGIN_HEADER]: CODE_LOGIN },
  )
}

/** The result of a call with callbacks. `wx` is known to break its own timeouts: after ours, it is not heard. */
function called<Result>(
  timeout: number,
  call: (success: (result: Result) => void, fail: (error: unknown) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject({ errMsg: 'login:fail timeout' } as WxError), timeout)
    const ending =
      <T>(settle: (value: T) => void) =>
      (value: T) => {
        clearTimeout(timer)
        settle(value)
      }
    call(ending(resolve), ending(reject))
  })
}
