import type { App } from './app.js'
import { callBack, failure } from './callbacks.js'
import { createListeners } from './listeners.js'
import type { Callbacks, SocketClosed, SocketTask, Wx, WxSuccess } from './wx.js'
import type { WxGlobalSocketApis } from './wx-global-socket-apis.js'

/**
 * The socket calls of before 1.7.0, which SDKs still use: developers.weixin.qq.com/miniprogram/dev/api/network/websocket/wx.onSocketOpen.html.
 * They are about the latest socket, and so are their events.
 */
export function globalSocketApis(
  app: App,
  connectSocket: Wx['connectSocket'],
): WxGlobalSocketApis & Pick<Wx, 'connectSocket'> {
  const opens = createListeners<{ header: Record<string, string> }>()
  const messages = createListeners<{ data: string | ArrayBuffer }>()
  const errors = createListeners<{ errMsg: string }>()
  const closes = createListeners<SocketClosed>()
  let latest: SocketTask | undefined

  return {
    connectSocket(options) {
      const task = connectSocket(options)
      latest = task
      const ifLatest = <Event>(emit: (event: Event) => void) => {
        return (event: Event) => {
          if (latest === task) emit(event)
        }
      }
      task.onOpen(ifLatest(opens.emit))
      task.onMessage(ifLatest(messages.emit))
      task.onError(ifLatest(errors.emit))
      task.onClose(ifLatest(closes.emit))
      return task
    },

    onSocketOpen: opens.on,
    onSocketMessage: messages.on,
    onSocketError: errors.on,
    onSocketClose: closes.on,

    sendSocketMessage(options) {
      if (latest === undefined) refuse('sendSocketMessage', options)
      else latest.send(options)
    },

    closeSocket(options = {}) {
      if (latest === undefined) refuse('closeSocket', options)
      else latest.close(options)
    },
  }

  function refuse(api: string, callbacks: Callbacks): void {
    app.later(() => callBack<WxSuccess>(api, callbacks, failure(api, 'websocket is not connected')))
  }
}
