import type { Auth } from './auth.js'
import type { Outgoing } from './call.js'
import { NO_AUTH } from './request-auth.js'
import type { Sender, WxOptions } from './requests.js'
import type { Origins } from './urls.js'
import type { WxSocketTask } from './wx.js'

export interface SocketCall {
  sender: Sender
  auth: Auth
  origins: Origins
  options: WxOptions
  /** While it is asked whether the session of another handshake still lives. */
  ready: Promise<unknown> | undefined
  /** Finds out whether the session still lives, by a request to the same place. */
  ask(url: string): void
}

/**
 * A socket. Its call ends as soon as `wx` has made it: whether the handshake succeeds is for the app's own listeners,
 * and for `auth`.
 */
export function socketOf({ sender, auth, origins, options, ready, ask }: SocketCall): Outgoing<WxSocketTask> {
  // A relative URL is a path of the base here too.
  const url = origins.resolve(options.url).replace(/^http/i, 'ws')
  const connect = sender<unknown>('connectSocket', Object.assign({}, options, { url }))
  return {
    ready,
    send(requestAuth, { success, fail }) {
      const opened = () => success(socket, () => ({ statusCode: 101 }))
      const socket = connect(requestAuth, { success: opened, fail }) as unknown as WxSocketTask
      // It goes on after its call has ended.
      const handshake = requestAuth.url ? auth.carry(url) : NO_AUTH
      let mayAsk = requestAuth.url && !auth.isForeign
      socket.onOpen((head) => {
        mayAsk = false
        auth.answered(handshake, head)
      })
      socket.onError(() => {
        auth.answered(handshake)
        // Phones do not say why: the handshake may have been refused for its session, and the server may be away.
        if (mayAsk) ask(url.replace(/^ws/i, 'http'))
        mayAsk = false
      })
      return { abort: () => socket.close({}) }
    },
  }
}
