/** What the page around the phones and its server say to each other. Both import this file. */

/** The users of the two phones. */
export const USERS = ['xiaoming', 'xiaohong'] as const
export type User = (typeof USERS)[number]

/** The names that WeChat knows them by. */
export const NAMES: Record<User, string> = { xiaoming: '小明', xiaohong: '小红' }

/** Names the phone that sends a request. The bridge adds it. */
export const PHONE_HEADER = 'X-Phone'

/** How sessions travel after their login: by a signed id of the server's own, or by the code of the login. */
export type CarrierName = 'header' | 'code'

/** How things stand, beside what the inspector knows. */
export interface Situation {
  carrier: CarrierName
  phones: Record<User, { openId: string; isOffline: boolean }>
  /** What WeChat said, where it was just asked by hand. */
  errcode?: number
}

/** What the page asks the server to do, to the phone of a user. The rest of its buttons are the inspector's own. */
export const EXPERIMENTS = ['expire', 'tamper', 'reuse', 'forge', 'network', 'carrier'] as const
export type Experiment = (typeof EXPERIMENTS)[number]
