import { CODE_LOGIN } from '../../src/protocol.js'
import { wxFailure } from './errors.js'
import type { SessionOptions, UserData } from './types.js'
import { isFunction, orUndefined } from './util.js'
import type { Header, Wx, WxError } from './wx.js'

/** What a login request carries: in its header, or as its body. */
export interface LoginData {
  header: Header
  data: Partial<UserData> & { code: string }
  /** Unix ms at which WeChat gave the code. */
  since: number
  /** Something else than the session server has answered it. So whoever needs a login carries this one too. */
  isShared?: boolean
  /** The user has left since it was offered. */
  isLeft?: boolean
}

/** ms. A code lives for five minutes; one that is nearly as old is not worth a request. */
const CODE_LIFE = 270_000

export interface WxLogin {
  /**
   * A login that was not offered to the server yet: the last one, if it is young enough, or a new one. Nothing if the
   * call is over by then. Rejects with a {@link Failure}.
   */
  get(isOver: () => boolean): Promise<LoginData | undefined>
  /** The profile was refused: logins go without it from now on. */
  distrust(): void
  /** The login belongs to a user who leaves. */
  drop(): void
}

/** Whether a login may still be offered. */
export function isFresh({ since }: LoginData): boolean {
  // Where the phone's clock was set back, nobody knows.
  return Math.abs(Date.now() - since) < CODE_LIFE
}

/** A profile that is refused, hangs or makes no sense is left out: only the code can fail a login. */
export function createWxLogin(
  wx: Wx,
  prefix: string,
  timeout: number,
  profile: SessionOptions['profile'],
): WxLogin {
  /** Outlives a call that is aborted while it waits for this. */
  let unused: Promise<LoginData> | undefined
  /** How many codes WeChat has given. */
  let codes = 0

  return {
    get,
    distrust() {
      profile = 'none'
    },
    drop,
  }

  async function get(isOver: () => boolean): Promise<LoginData | undefined> {
    while (!isOver()) {
      unused = unused || getLogin()
      const login = await unused.catch(failed)
      if (isOver()) break
      drop()
      if (isFresh(login)) return login
    }
    return undefined
  }

  function failed(error: unknown): never {
    drop()
    throw wxFailure('ERR_LOGIN', error)
  }

  function drop(): void {
    unused = undefined
  }

  async function getLogin(): Promise<LoginData> {
    const { code } = await resultOf('code', timeout, ({ success, fail }) =>
      wx.login({
        timeout,
        success(result) {
          codes++
          success(result)
        },
        fail,
      }),
    )
    if (typeof code !== 'string' || !code) throw { errMsg: 'login:no code' }

    // WeChat signs the profile with the key of the latest code, so the profile comes second. A login that timed out
    // here may still give a code, and then the signature does not fit:
    //   wx.login 1 ─── timeout ──────────────────────── code 1
    //                          wx.login 2 ─ code 2 ─ getUserInfo ─ signed with the key of code 1
    const since = Date.now()
    const codesBefore = codes
    const userData =
      (isFunction(profile) || profile === 'userInfo') &&
      (await resultOf('rawData', timeout, (callbacks) =>
        isFunction(profile)
          ? Promise.resolve(profile()).then(callbacks.success, callbacks.fail)
          : (wx as Required<Wx>).getUserInfo(callbacks),
      ).catch(() => {}))
    const { rawData, signature } = Object(codes === codesBefore && userData) as Partial<UserData>
    const isSigned = typeof rawData === 'string' && typeof signature === 'string'
    // A URI cannot hold half of an emoji.
    const encoded = isSigned && orUndefined(() => encodeURIComponent(rawData))
    const signed = encoded && { rawData, signature }
    const header = signed
      ? { [`${prefix}RawData`]: encoded, [`${prefix}Signature`]: signature }
      : { [`${prefix}Login`]: CODE_LOGIN }
    Object.assign(header, { [`${prefix}Code`]: code })
    return { header, data: Object.assign({ code }, signed), since } as LoginData
  }
}

/**
 * The result of a call, by a callback, or by a promise of something that has `field`: there are promises that say
 * nothing. `wx` is known to break its own timeouts; after ours it is not heard.
 */
async function resultOf(
  field: string,
  timeout: number,
  call: (callbacks: { success(result: unknown): void; fail(error: unknown): void }) => unknown,
): Promise<Record<string, unknown>> {
  let timer!: ReturnType<typeof setTimeout>
  try {
    return Object(
      await new Promise((success, fail) => {
        timer = setTimeout(() => fail({ errMsg: 'login:fail timeout' } as WxError), timeout)
        Promise.resolve(call({ success, fail })).then((given) => Object(given)[field] && success(given), fail)
      }),
    )
  } finally {
    clearTimeout(timer)
  }
}
