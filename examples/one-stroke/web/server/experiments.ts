import type { Phone, Wechat } from 'weapp-simulator'
import { type Experiment, PHONE_HEADER, type User } from '../protocol.js'
import type { AgingStore } from './aging-store.js'
import type { Credentials } from './credentials.js'
import type { Doors } from './doors.js'
import type { Phones } from './phones.js'

export interface Laboratory {
  wechat: Wechat
  doors: Doors
  store: AgingStore
  phones: Phones
  credentials: Credentials
  /** Writes a line between the requests of the inspector. */
  note(text: string): void
  /** Of the app's server. */
  origin: string
}

/** What the buttons beside the phones do, each to the phone of a user. */
export interface Experiments {
  run(experiment: Experiment, user: User): Promise<{ errcode?: number }>
}

/** What makes requests of its own. */
const BY_HAND = new Set<Experiment>(['tamper', 'reuse', 'forge'])

export function createExperiments(laboratory: Laboratory): Experiments {
  const { wechat, doors, store, phones, credentials, note, origin } = laboratory

  const experiments: Record<Experiment, (user: User, phone: Phone) => Promise<number | undefined>> = {
    async expire(_, phone) {
      note('时间过去了，会话到期 · time has passed: the session is over')
      await store.expire(phone.user.openId)
      return undefined
    },

    async tamper(user, phone) {
      const headers = await loginHeaders(phone)
      const rawData = decodeURIComponent(headers['Weapp-RawData'])
      const changed = rawData.replace(phone.profile.nickName, '管理员').replace('微信用户', '管理员')
      await send(user, phone, { ...headers, 'Weapp-RawData': encodeURIComponent(changed) })
      return undefined
    },

    async reuse(user, phone) {
      const headers = await loginHeaders(phone)
      await send(user, phone, headers)
      await send(user, phone, headers)
      const errcode = await askWechat(headers['Weapp-Code'])
      note(`拿同一个 code 直接问微信 · the same code, straight to WeChat → errcode ${errcode}`)
      return errcode
    },

    async forge(user, phone) {
      if (!credentials.of(user)) await send(user, phone, await loginHeaders(phone))
      const [name, value] = credentials.of(user) ?? ['Weapp-Code', 'made-up']
      // The first character: of the last, base64url has bits that say nothing.
      await send(user, phone, { [name]: (value.startsWith('A') ? 'B' : 'A') + value.slice(1) })
      return undefined
    },

    async carrier() {
      doors.carrier = doors.carrier === 'header' ? 'code' : 'header'
      note(`服务器改用 · the server now has ${doors.carrier}Carrier()`)
      return undefined
    },

    async network(user, phone) {
      phones.setOffline(user, !phone.offline)
      note(
        phone.offline
          ? '手机没有网络了 · the phone is offline'
          : '手机又有网络了 · the phone is online again',
      )
      return undefined
    },
  }

  return {
    async run(experiment, user) {
      const phone = phones.of(user)
      // By hand as with the client: without a network there is no login.
      if (phone.offline && BY_HAND.has(experiment)) return {}
      const errcode = await experiments[experiment](user, phone)
      return errcode === undefined ? {} : { errcode }
    },
  }

  /** A request by hand, without the client and its retries. */
  function send(user: User, { wx }: Phone, headers: Record<string, string>): Promise<unknown> {
    return new Promise((resolve) => {
      wx.request({
        url: `${origin}/applet/session/paints/list?limit=1`,
        header: { ...headers, [PHONE_HEADER]: user },
        complete: resolve,
      })
    })
  }

  /** What WeChat itself says of a code. */
  async function askWechat(code: string): Promise<number> {
    const { appId, appSecret } = wechat
    const query = new URLSearchParams({
      ...{ appid: appId, secret: appSecret, js_code: code, grant_type: 'authorization_code' },
    })
    const answer = await wechat.fetch(`https://api.weixin.qq.com/sns/jscode2session?${query}`)
    const { errcode = 0 } = (await answer.json().catch(() => ({}))) as { errcode?: number }
    return errcode
  }
}

/** The headers of a login, as the client makes them. */
function loginHeaders({
  wx,
}: Phone): Promise<Record<'Weapp-Code' | 'Weapp-RawData' | 'Weapp-Signature', string>> {
  return new Promise((resolve, reject) => {
    wx.login({
      success: ({ code }) =>
        wx.getUserInfo({
          success: ({ rawData, signature }) =>
            resolve({
              'Weapp-Code': code,
              'Weapp-RawData': encodeURIComponent(rawData),
              'Weapp-Signature': signature,
            }),
          fail: reject,
        }),
      fail: reject,
    })
  })
}
