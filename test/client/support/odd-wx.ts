import type { Wx, WxSocketTask, WxTask } from '../../../client/src/wx.js'
import type { Random } from './random.js'
import type { Sent } from './virtual-phone.js'

/**
 * What wrappers of `wx` hand out: Taro and uni-app with interceptors, monitors, SDKs. All that is asked is done, and
 * whatever comes back may look like anything. `lastSent`: what a call has just sent.
 */
export function oddWx(wx: Wx, random: Random, lastSent: () => Sent | undefined): Wx {
  return {
    ...wx,
    login: (options) => answering(options, (callbacks) => wx.login({ ...options, ...callbacks } as never)),
    getUserInfo: (options) =>
      answering(options, (callbacks) => wx.getUserInfo?.({ ...options, ...callbacks } as never)),
    request: (options) =>
      transfer(
        (callbacks) => wx.request({ ...options, ...callbacks } as never),
        options as Callbacks,
      ) as WxTask,
    uploadFile: (options) =>
      transfer(
        (callbacks) => wx.uploadFile?.({ ...options, ...callbacks } as never) as WxTask | undefined,
        options as Callbacks,
      ) as WxTask,
    downloadFile: (options) =>
      transfer(
        (callbacks) => wx.downloadFile?.({ ...options, ...callbacks } as never) as WxTask | undefined,
        options as Callbacks,
      ) as WxTask,
    connectSocket: (options) => socket(options as Callbacks & { url: string }) as WxSocketTask,
    getStorageSync: (key) => (random() < 0.1 ? pick(NONSENSE) : wx.getStorageSync(key)),
    setStorageSync(key, value) {
      wx.setStorageSync(key, value)
      // A promise that nobody has asked for.
      if (random() < 0.2) return Promise.reject(new Error('storage')) as never
    },
  }

  function transfer(call: (callbacks: Callbacks) => WxTask | undefined, options: Callbacks): WxTask {
    const kind = pick(TRANSFERS)
    let task: WxTask | undefined
    const done = new Promise((resolve, reject) => {
      const success = (result: unknown) => {
        const odd = withNoise(result)
        resolve(odd)
        if (kind !== 'promise of the result') tell(options.success, odd)
      }
      const fail = (error: unknown) => {
        reject(error)
        if (kind !== 'promise of the result') tell(options.fail, error)
      }
      task = call({ success, fail })
    })
    const isStuck = !['task', 'promise of the task', 'promise and task'].includes(kind)
    const sent = lastSent()
    if (sent && isStuck) Object.assign(sent, { isStuck })
    // Nobody can listen to these.
    if (sent && kind !== 'task' && kind !== 'promise of the task') Object.assign(sent, { hasHeader: false })
    switch (kind) {
      case 'task':
        done.catch(() => {})
        return task as WxTask
      case 'promise of the task':
        done.catch(() => {})
        return Promise.resolve(task) as never
      case 'promise and task':
        return Object.assign(done, { abort: task?.abort }) as never
      case 'promise of the result':
      case 'callbacks and promise':
        return done as never
      default:
        done.catch(() => {})
        return ODD_TASKS[kind] as never
    }
  }

  /** By a callback, a promise, or both. */
  function answering(options: Callbacks, call: (callbacks: Callbacks) => unknown): unknown {
    const kind = pick(['callback', 'promise', 'both'] as const)
    const done = new Promise((resolve, reject) => {
      call({
        success(result) {
          resolve(result)
          if (kind !== 'promise') tell(options.success, result)
        },
        fail(error) {
          reject(error)
          if (kind !== 'promise') tell(options.fail, error)
        },
      })
    })
    if (kind !== 'callback') return done
    done.catch(() => {})
    return pick([undefined, {}, 7])
  }

  function socket(options: Callbacks & { url: string }): unknown {
    const kind = pick(['task', 'at once', 'promise', 'nothing'] as const)
    const isAtOnce = kind === 'at once'
    if (isAtOnce) tell(options.success, { errMsg: 'connectSocket:ok' })
    const callbacks = isAtOnce ? { success: undefined } : {}
    const task = wx.connectSocket?.({ ...options, ...callbacks } as never)
    if (kind === 'nothing') {
      Object.assign(lastSent() ?? {}, { hasHeader: false })
      return undefined
    }
    return kind === 'promise' ? Promise.resolve(task) : task
  }

  function withNoise(result: unknown): unknown {
    const { header } = Object(result)
    if (random() < 0.7) return result
    const cookies = pick([null, 7, [null], [{ name: 'a' }], 'text'])
    return {
      ...Object(result),
      cookies,
      ...(header && { header: { ...header, '': null, 'X-N': 7, 'X-L': [{}] } }),
    }
  }

  function pick<T>(list: readonly T[]): T {
    return list[Math.floor(random() * list.length)] as T
  }
}

interface Callbacks {
  success?: ((result: never) => void) | undefined
  fail?: ((error: never) => void) | undefined
}

function tell(callback: ((value: never) => void) | undefined, value: unknown): void {
  callback?.(value as never)
}

/** What `wx` may give for a request. */
const TRANSFERS = [
  'task',
  'promise of the task',
  'promise and task',
  'promise of the result',
  'callbacks and promise',
  'nothing',
  'no abort',
  'abort throws',
  'listening throws',
  'no functions',
] as const

const ODD_TASKS = {
  nothing: undefined,
  'no abort': {},
  'abort throws': { abort: throwing },
  'listening throws': { abort: throwing, onHeadersReceived: throwing, onChunkReceived: throwing },
  'no functions': { abort: 7, onHeadersReceived: 'x' },
}

const NONSENSE = [
  '',
  7,
  null,
  { v: 2, header: 7 },
  { v: 2, header: {} },
  { v: 2, shelf: { cookies: [null] } },
]

function throwing(): never {
  throw new Error('thrown by wx')
}
