import type { Clock } from '../clock.js'
import type { Accounts } from './accounts.js'
import type { Codes } from './codes.js'
import type { ComponentState } from './component.js'
import type { EncryptKeys } from './encrypt-keys.js'
import type { Payments } from './payments.js'
import type { PhoneMessages } from './phone-messages.js'
import type { Quotas } from './quotas.js'
import type { Tokens } from './tokens.js'

/** What the endpoints of WeChat work with. */
export interface Backend {
  appId: string
  appSecret: string
  clock: Clock
  /** Whether WeChat's limits are kept. */
  strict: boolean
  accounts: Accounts
  loginCodes: Codes
  phoneCodes: Codes
  pluginCodes: Codes
  tokens: Tokens
  encryptKeys: EncryptKeys
  phoneMessages: PhoneMessages
  payments: Payments
  quotas: Quotas
  component: ComponentState
  /** Words by which `msg_sec_check` finds a text risky. */
  badWords: readonly string[]
}

/** The host of everything that is WeChat's own. */
export const WECHAT_HOST = 'api.weixin.qq.com'

/** WeChat's documents of mini games, where those of mini programs say less. */
export const GAME_DOCS = 'https://developers.weixin.qq.com/minigame/dev/api-backend/open-api'

/** WeChat's documents of mini programs. */
export const DOCS = 'https://developers.weixin.qq.com/miniprogram/dev/server/API'
