import type { Auth } from './auth.js'
import type { Outgoing } from './call.js'
import type { Sender, WxOptions } from './requests.js'
import type { Origins } from './urls.js'
import type { WxSocketTask } from './wx.js'

export interface SocketCall {
  sender: Sender
  auth: Auth
  origins: Origins
  options: WxOptions
}

/**
 * A socket. Its call ends as soon as `wx` has made it: whether the handshake succeeds is for the app's own listeners,
 * and for `auth`.
 */
export function socketOf({ sender, auth, origins, options }: SocketCall): Outgoing<WxSocketTask> {
  // A relative URL is a path of the base here too.
  const url = origins.resolve(options.url).replace(/^http/i, 'ws')
  const connect = sender<unknown>('connectSocket', Object.assign({}, options, { url }))
  return {
    send(requestAuth, { success, fail }) {
      const opened = () => success(socket, () => ({ statusCode: 101 }))
      const socket = connect(requestAuth, { success: opened, fail }) as unknown as WxSocketTask
      const handshake = auth.fork(requestAuth)
      socket.onOpen((head) => auth.answered(handshake, head))
      socket.onError(({ errMsg = '' }) => {
        auth.answered(handshake)
        // The handshake was refused for its session: the next connection logs in first.
        if (/\b401\b/.test(errMsg)) auth.expired(handshake)
      })
      return { abort: () => socket.close({}) }
    },
  }
}
