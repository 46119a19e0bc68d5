/**
 * A mini program that uses the built package, with WeChat's own typings and without Node's: compiled by
 * `npm run types`, never run.
 */
import request, {
  type Call,
  createSession,
  isSessionError,
  SessionError,
  type SessionOptions,
  type Wx,
} from 'weapp-session-client'

import required = require('weapp-session-client')

interface User {
  openId: string
  nickName?: string
}

// WeChat's own object fits, whole and each of its parts.
const real: Wx = wx
const session = createSession({ baseUrl: 'https://api.example.com', wx })
const options: SessionOptions = {
  baseUrl: 'https://api.example.com',
  origins: ['https://upload.example.com'],
  profile: async () => {
    const { rawData, signature } = await wx.getUserInfo({})
    return { rawData, signature }
  },
  appId: true,
  loginPath: '/login',
  protocol: 'weapp-session',
  loginTimeout: 5000,
  deadline: 30_000,
  storageKey: 'session',
  wx: real,
}

App({
  async onLaunch() {
    const stop: () => void = session.onChange((isLoggedIn) => console.log(isLoggedIn))
    await session.login()
    await session.logout()
    stop()
  },

  /** A promise of typed data, and the options of `wx.request`. */
  async promises() {
    const { data, statusCode } = await session.request<User>({ url: '/me' })
    const openId: string = data.openId
    // @ts-expect-error data is a User, not anything
    data.openID
    const untyped = await session.request({ url: '/me', method: 'POST', data: { a: 1 }, enableChunked: true })
    // @ts-expect-error of what no type was given for, nothing is known
    untyped.data.openId
    return [openId, data.nickName, statusCode]
  },

  callbacks() {
    session.request<User>({
      url: '/me',
      header: { 'X-Trace': '1' },
      timeout: 5000,
      success({ data, header, cookies }) {
        const name: string | undefined = data.nickName
        console.log(name, header, cookies)
      },
      fail({ code, errMsg, retryable }) {
        const isOver: boolean = code === 'ERR_DEADLINE' || code === 'ERR_ABORTED'
        // @ts-expect-error no such code
        console.log(isOver, errMsg, retryable, code === 'ERR_NOTHING')
      },
      complete(outcome) {
        if (isSessionError(outcome)) console.log(outcome.reason, outcome.phase, outcome.attempts)
        else console.log(outcome.data.openId)
      },
    })
  },

  /** What `wx` gives back fits where a program keeps its tasks. */
  tasks() {
    const call: Call<unknown> = session.request<User>({ url: '/me' })
    const task: WechatMiniprogram.RequestTask = session.request({ url: '/me' })
    const upload: WechatMiniprogram.UploadTask = session.uploadFile({
      url: '/photos',
      filePath: 'wxfile://photo',
      name: 'photo',
      formData: { title: 'A photo' },
      success: ({ data }) => console.log(data.length),
    })
    const download: WechatMiniprogram.DownloadTask = session.downloadFile({
      url: '/photos/1',
      success: ({ tempFilePath }) => console.log(tempFilePath),
    })
    call.abort()
    task.onHeadersReceived(({ header }) => console.log(header))
    task.onChunkReceived(({ data }) => console.log(data.byteLength))
    upload.onProgressUpdate(({ progress }) => console.log(progress))
    download.offProgressUpdate()
  },

  async socket() {
    const socket = await session.connectSocket({ url: 'wss://api.example.com/feed', protocols: ['v1'] })
    socket.onMessage(({ data }) => console.log(typeof data === 'string' ? data : data.byteLength))
    socket.send({ data: 'hello' })
    socket.close({ code: 1000 })
  },

  /** The original's way, required and imported: the same function. */
  async dropIn() {
    required<User>({ url: 'https://api.example.com/me', success: ({ data }) => console.log(data.openId) })
    const { data } = await request<User>({ url: 'https://api.example.com/me' })
    const same: typeof request = required.default
    try {
      await same({ url: 'https://api.example.com/me' })
    } catch (error) {
      if (error instanceof SessionError || isSessionError(error)) console.log(error.code, data.openId)
    }
    return required.createSession(options)
  },
})
