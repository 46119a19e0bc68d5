import type { Context } from 'koa'
import type { Carrier, Presented } from './carriers/carrier.js'
import { idsOf } from './crypto/ids.js'
import { sealerFor } from './crypto/seal.js'
import { type Diagnostics, diagnostics } from './diagnostics.js'
import { WeappSessionError } from './errors.js'
import { NO_TRUST, trust } from './jwt/revocation-cache.js'
import { exchanges } from './login/exchange.js'
import { logins, type Welcome } from './login/login.js'
import type { Login } from './login/read-login.js'
import type { Settled } from './options.js'
import { lives } from './session/lives.js'
import { openData } from './session/open-data.js'
import { type Open, opener } from './session/request-session.js'
import type { FoundSession } from './session/session.js'
import { successions } from './session/succession.js'
import type { SessionStore } from './stores/store.js'
import { onceThere } from './util/once-there.js'
import type { Warnings } from './util/warn.js'
import { type WechatApi, wechatApi } from './wechat/api.js'
import { code2Session } from './wechat/code2session.js'
import { slots } from './wechat/slots.js'

/** One mini program: its users, their sessions, and its WeChat. */
export interface Program {
  readonly appId: string
  readonly wechat: WechatApi
  logIn(
    login: Login,
    guest: FoundSession | undefined,
    welcome: Welcome,
  ): Promise<FoundSession & { isNew: boolean }>
  /** The session of a credential, renewed where that is due. */
  find(presented: Presented): FoundSession | Promise<FoundSession>
  open: Open
  /** Ends one session. */
  end(found: FoundSession): Promise<void>
  /** Ends every session of a user. */
  revoke(openId: string): Promise<void>
}

export interface ProgramOptions {
  appId: string
  appSecret: string
  carrier: Carrier
  store: SessionStore
  warn: Warnings
}

/** ms that a login takes beside its exchange, at most, before others believe that its process has died. */
const TIME_FOR_THE_STORE = 1000

const loginChannel = diagnostics('login')
const revokeChannel = diagnostics('revoke')

export function program(options: ProgramOptions, settled: Settled): Program {
  const { appId, appSecret, carrier, store, warn } = options
  const { ttl, rolling, maxAge, maxSessionsPerUser, wechat } = settled
  const ids = idsOf(appId, appSecret, carrier.kind)
  const sealer = sealerFor(appSecret)
  const succession = successions(store, ids)
  const trusted = carrier.kind === 'jwt' ? trust(store, succession) : NO_TRUST
  const isCodeTheCredential = carrier.give === undefined
  const turns = slots(wechat.concurrency)
  const exchange = exchanges({
    store,
    code2Session: code2Session({ appId, appSecret, ...wechat, warn }),
    slots: turns,
    lease: wechat.timeout + TIME_FOR_THE_STORE,
  })
  const data = openData({ appId, ids, store, sealer })
  const common = { appId, ids, store, sealer, ttl, trust: trusted, succession, openData: data }
  const { logIn, find } = logins({
    ...common,
    exchanges: exchange,
    isCodeTheCredential,
    maxSessionsPerUser,
    remember: carrier.remember,
  })
  const life = lives({ ...common, rolling, maxAge, canMove: !isCodeTheCredential })
  const api = wechatApi({ appId, appSecret, ...wechat, slots: turns, warn })
  const open = opener({ ...common, lives: life, find, wechat: api })

  async function logInAndTell(
    login: Login,
    guest: FoundSession | undefined,
    welcome: Welcome,
  ): Promise<FoundSession & { isNew: boolean }> {
    const began = performance.now()
    const found = await logIn(login, guest, welcome)
    if (loginChannel.hasSubscribers) {
      loginChannel.publish({
        appId,
        user: ids.alias(found.record.user?.openId ?? ''),
        session: ids.alias(found.id),
        isNew: found.isNew,
        proof: proofOf(login),
        ms: performance.now() - began,
      })
    }
    return found
  }

  function findAndRenew(presented: Presented): FoundSession | Promise<FoundSession> {
    const { isOld, claims } = presented
    if (!claims) return onceThere(find(presented), life.renew)
    return isOld ? findBehind(presented) : find(presented)
  }

  /** A token that ends soon is looked up before there is another; while the store is away, it is good as it is. */
  async function findBehind(presented: Presented): Promise<FoundSession> {
    try {
      return await life.renew(await find({ credential: presented.credential }))
    } catch (error) {
      if (error instanceof WeappSessionError && error.status >= 500) return find(presented)
      throw error
    }
  }

  return {
    appId,
    wechat: api,
    logIn: logInAndTell,
    open,
    find: findAndRenew,
    async end({ id, record }) {
      const user = ids.owner(record.user, id)
      await store.end(id, user)
      trusted.ended(id)
      // What it had become has ended too.
      trusted.doubt(user)
    },
    async revoke(openId) {
      if (revokeChannel.hasSubscribers) revokeChannel.publish({ appId, user: ids.alias(openId) })
      const user = ids.user(openId)
      try {
        await store.revoke(user)
      } finally {
        // Afterwards, because what was looked up in the meantime may have been there still.
        trusted.doubt(user)
      }
    },
  }
}

/** Which of several mini programs a request is of; nothing when it is of none. */
export function programOf(programs: Map<string, Program>, appIdOf: (ctx: Context) => string | undefined) {
  const [only] = programs.size === 1 ? programs.values() : []
  return (ctx: Context): Program | undefined => only ?? programs.get(appIdOf(ctx) ?? '')
}

function proofOf({ userInfo, encrypted }: Login): Diagnostics['login']['proof'] {
  if (userInfo) return 'signature'
  return encrypted ? 'encryptedData' : 'none'
}
