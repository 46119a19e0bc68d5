import type { Phone, Wechat } from 'weapp-simulator'
import type { Experiment, User } from '../protocol.js'
import type { Doors } from './doors.js'
import type { Phones } from './phones.js'
import { PHONE_HEADER, type Recorder } from './recorder.js'
import type { SwitchableStore } from './switchable-store.js'

export interface Laboratory {
  wechat: Wechat
  doors: Doors
  store: SwitchableStore
  phones: Phones
  recorder: Recorder
  /** Of the app's server. */
  origin: string
}

/** What the buttons of the inspector do, each to the phone of a user. */
export interface Experiments {
  run(experiment: Experiment, user: User): Promise<void>
  isWechatDown(): boolean
}

/** What makes requests of its own. */
const BY_HAND = new Set<Experiment>(['tamper', 'reuse', 'forge'])

export function createExperiments(laboratory: Laboratory): Experiments {
  const { wechat, doors, store, phones, recorder, origin } = laboratory
  let restoreWechat: (() => void) | undefined

  const experiments: Record<Experiment, (user: User, phone: Phone) => Promise<unknown> | unknown> = {
    expire: (user, phone) => recorder.event(user, 'expire', () => store.expire(phone.user.openId)),

    revoke: (user, phone) => recorder.event(user, 'revoke', () => doors.revoke(phone.user.openId)),

    async tamper(user, phone) {
      const headers = await loginHeaders(phone)
      const rawData = decodeURIComponent(headers['Weapp-RawData'])
      const changed = rawData.replace(phone.profile.nickName, '管理员').replace('微信用户', '管理员')
      await send(user, phone, { ...headers, 'Weapp-RawData': encodeURIComponent(changed) })
    },

    async reuse(user, phone) {
      const headers = await loginHeaders(phone)
      await send(user, phone, headers)
      await send(user, phone, headers)
      await recorder.event(user, 'codeUsed', async (entry) => {
        entry.errcode = await askWechat(headers['Weapp-Code'])
      })
    },

    async forge(user, phone) {
      if (!credentialOf(user)) await send(user, phone, await loginHeaders(phone))
      const [name, value] = credentialOf(user) ?? ['Weapp-Code', 'made-up']
      // The first character: of the last, base64url has bits that say nothing.
      await send(user, phone, { [name]: (value.startsWith('A') ? 'B' : 'A') + value.slice(1) })
    },

    wechat(user) {
      const isDown = restoreWechat !== undefined
      return recorder.event(user, isDown ? 'wechatUp' : 'wechatDown', () => {
        restoreWechat?.()
        restoreWechat = isDown ? undefined : wechat.fail({ status: 502 }, { times: Infinity })
      })
    },

    store: (user) =>
      recorder.event(user, store.isDown ? 'storeUp' : 'storeDown', () => {
        store.isDown = !store.isDown
      }),

    carrier(user) {
      const carrier = doors.carrier === 'header' ? 'code' : 'header'
      return recorder.event(user, `${carrier}Carrier`, () => {
        doors.carrier = carrier
      })
    },

    network: (user, phone) =>
      recorder.event(user, phone.offline ? 'online' : 'offline', () =>
        phones.setOffline(user, !phone.offline),
      ),
  }

  return {
    async run(experiment, user) {
      const phone = phones.of(user)
      // By hand as with the client: without a network there is no login.
      if (phone.offline && BY_HAND.has(experiment)) return
      await experiments[experiment](user, phone)
    },
    isWechatDown: () => restoreWechat !== undefined,
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

  /** The credential that a phone has shown or been given last: which header it is in, and what it is. */
  function credentialOf(user: User): [name: string, value: string] | undefined {
    for (const entry of [...recorder.entries()].reverse()) {
      if (entry.type !== 'request' || entry.user !== user || entry.response?.status !== 200) continue
      const headers = [...entry.response.headers, ...entry.headers]
      const found = ['Weapp-Session', 'Weapp-Code'].flatMap((name) =>
        headers.filter((header) => header[0] === name),
      )[0]
      if (found) return found
    }
    return undefined
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
