import type { SessionCarrier } from './carriers/carrier.js'
import { createIds } from './crypto/ids.js'
import { createSealer } from './crypto/seal.js'
import { diagnostics } from './diagnostics.js'
import { createCodeExchanger } from './login/exchange.js'
import { createLogIn, type LogIn } from './login/login.js'
import { createPendingLogins } from './login/pending-logins.js'
import type { ResolvedOptions } from './options.js'
import { createOpenData } from './session/open-data.js'
import type { RequestSessionTools } from './session/request-session.js'
import { createSessions } from './session/sessions.js'
import { createSuccessions } from './session/succession.js'
import type { SessionStore } from './stores/store.js'
import type { Faults } from './util/faults.js'
import type { Warnings } from './util/warn.js'
import { createWechatApi } from './wechat/api.js'
import { createWechatCheck, isOutage } from './wechat/check.js'
import { createCode2Session, loginOutage } from './wechat/code2session.js'
import { createSlots } from './wechat/slots.js'

/** One mini program: its logins, its sessions, and its WeChat. */
export interface MiniProgram extends RequestSessionTools {
  readonly appId: string
  readonly logIn: LogIn
  /** What diagnostics call a user or a session. */
  alias(value: string): string
  /** What the store calls a user. */
  userId(openId: string): string
  /** Ends every session of a user. */
  revoke(openId: string): Promise<void>
}

export interface MiniProgramOptions {
  appId: string
  appSecret: string
  carrier: SessionCarrier
  store: SessionStore
  warn: Warnings
  /** What goes wrong on purpose. */
  faults?: Faults
}

/** ms that a login takes beside its exchange, at most, before others believe that its process has died. */
const TIME_FOR_THE_STORE = 1000

const channel = diagnostics('revoke')

export function createMiniProgram(options: MiniProgramOptions, resolved: ResolvedOptions): MiniProgram {
  const { appId, appSecret, carrier, store, warn, faults } = options
  const reached = { ...resolved.wechat, faults }
  const { ttl, rolling, maxAge, maxSessionsPerUser, maxYoungSessions } = resolved
  const ids = createIds(appId, appSecret, carrier.kind)
  const sealer = createSealer(appSecret)
  const succession = createSuccessions(store, ids)
  const slots = createSlots(resolved.wechat.concurrency)
  const outage = loginOutage()
  const checkWechat = createWechatCheck({ appId, appSecret, ...reached })
  const exchanger = createCodeExchanger({
    store,
    code2Session: createCode2Session({ appId, appSecret, ...reached, warn, outage }),
    slots,
    isWechatDown: async () => isOutage(await checkWechat()),
    onTurnedAway: outage.turnedAway,
    lease: resolved.wechat.timeout + TIME_FOR_THE_STORE,
  })
  const pendingLogins = createPendingLogins(exchanger)

  const { credential, remember } = carrier
  const common = { appId, ids, store, sealer, succession }
  const logins = { pending: pendingLogins.logins, outcomeOf: exchanger.outcomeOf }
  const stored = createSessions({ ...common, credential, remember, logins, ttl, rolling, maxAge })
  const sessions = carrier.decorate?.(stored, common) ?? stored
  const openData = createOpenData({ ...common, sessions })
  const logIn = createLogIn({
    ...common,
    pendingLogins,
    sessions,
    openData,
    credential,
    ttl,
    maxSessionsPerUser,
    maxYoungSessions,
  })
  const wechat = createWechatApi({ appId, appSecret, ...reached, slots, warn })

  return {
    appId,
    sessions,
    logIn,
    alias: ids.alias,
    userId: ids.user,
    openData,
    sealer,
    wechat,
    async revoke(openId) {
      if (channel.hasSubscribers) channel.publish({ appId, user: ids.alias(openId) })
      await sessions.revoke(ids.user(openId))
    },
  }
}
