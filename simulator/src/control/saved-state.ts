import type { Risk } from '../servers/accounts.js'
import type { SavedCode } from '../servers/codes.js'
import type { Platform } from '../servers/endpoints.js'
import type { SavedToken } from '../servers/tokens.js'
import type { UserProfile } from '../user-info.js'
import type { WechatParts } from '../wechat.js'
import type { ObjectSchema, Schema } from './schema.js'

/** What survives a restart. Times are ms since 1970, by the simulator's clock. */
export interface SavedState {
  /** The format, so that a later version can tell. */
  weappSimulator: 1
  /** Openids differ by platform. */
  platform: Platform
  appId: string
  appSecret: string
  /** ms that the simulator's clock is ahead of the machine's. */
  ahead: number
  users: SavedUser[]
  loginCodes: SavedCode[]
  phoneCodes: SavedCode[]
  pluginCodes: SavedCode[]
  tokens: SavedToken[]
}

interface SavedUser {
  name: string
  phoneNumber: string
  profile: UserProfile
  risk: Risk
  visitedAt: number | null
  sessionKey: { text: string; madeAt: number } | null
  hasLeft: boolean
}

const TEXT: Schema = { type: 'string', maxLength: 1_000_000 }
const NUMBER: Schema = { type: 'number' }
const FLAG: Schema = { type: 'boolean' }

const CODES: Schema = {
  type: 'array',
  items: record({ code: TEXT, user: TEXT, expiresAt: NUMBER, used: FLAG }),
}

/** What a file has to look like. */
export const SAVED_STATE: ObjectSchema = record({
  weappSimulator: { type: 'integer', minimum: 1, maximum: 1 },
  platform: { type: 'string', enum: ['wechat', 'wecom', 'qq', 'douyin'] },
  appId: TEXT,
  appSecret: TEXT,
  // A century: dates beyond some thousands of years are none.
  ahead: { type: 'number', minimum: 0, maximum: 100 * 366 * 86_400_000 },
  users: {
    type: 'array',
    items: record({
      name: TEXT,
      phoneNumber: TEXT,
      profile: record({
        ...{ nickName: TEXT, gender: NUMBER, language: TEXT, city: TEXT },
        ...{ province: TEXT, country: TEXT, avatarUrl: TEXT },
      }),
      risk: { type: 'integer', minimum: 0, maximum: 4 },
      visitedAt: { oneOf: [{ type: 'null' }, NUMBER], description: 'a time or null' },
      hasLeft: FLAG,
      sessionKey: {
        oneOf: [{ type: 'null' }, record({ text: TEXT, madeAt: NUMBER })],
        description: 'a session_key or null',
      },
    }),
  },
  loginCodes: CODES,
  phoneCodes: CODES,
  pluginCodes: CODES,
  tokens: {
    type: 'array',
    items: record({
      token: TEXT,
      kind: { type: 'string', enum: ['token', 'stable_token', 'authorizer_token'] },
      expiresAt: NUMBER,
      isReplaced: FLAG,
    }),
  },
})

/** How long what is over is remembered: a code that was used is "used", and not "invalid". */
const REMEMBERED = 60 * 60_000

export function capture(parts: WechatParts): SavedState {
  const { wechat, accounts, loginCodes, phoneCodes, pluginCodes, tokens } = parts
  const { platform, appId, appSecret, clock } = wechat
  const isRemembered = ({ expiresAt }: { expiresAt: number }) => expiresAt > clock.now() - REMEMBERED
  return {
    weappSimulator: 1,
    ...{ platform, appId, appSecret, ahead: Math.max(0, clock.now() - Date.now()) },
    users: accounts.all().map(({ visitedAt = null, sessionKey = null, ...user }) => {
      const { name, phoneNumber, profile, risk, hasLeft } = user
      return { name, phoneNumber, profile, risk, visitedAt, hasLeft, sessionKey }
    }),
    loginCodes: loginCodes.saved().filter(isRemembered),
    phoneCodes: phoneCodes.saved().filter(isRemembered),
    pluginCodes: pluginCodes.saved().filter(isRemembered),
    tokens: tokens.saved().filter(isRemembered),
  }
}

/** Puts what was saved into a WeChat that is new. */
export function restore(saved: SavedState, parts: WechatParts): void {
  const { wechat, accounts, loginCodes, phoneCodes, pluginCodes, tokens } = parts
  wechat.clock.advance(saved.ahead)
  for (const { name, visitedAt, sessionKey, ...user } of saved.users) {
    const times = { visitedAt: visitedAt ?? undefined, sessionKey: sessionKey ?? undefined }
    Object.assign(accounts.user(name), { ...user, ...times })
  }
  loginCodes.restore(saved.loginCodes, accounts.user)
  phoneCodes.restore(saved.phoneCodes, accounts.user)
  pluginCodes.restore(saved.pluginCodes, accounts.user)
  tokens.restore(saved.tokens)
}

function record(properties: Record<string, Schema>): ObjectSchema {
  return { type: 'object', properties, required: Object.keys(properties) }
}
