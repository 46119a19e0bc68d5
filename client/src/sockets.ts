import type { Auth } from './auth.js'
import type { Outgoing } from './call.js'
import { NO_AUTH } from './request-auth.js'
import type { Sender, WxOptions } from './requests.js'
import type { Origins } from './urls.js'
import type { WxSocketTask } from './wx.js'

/**
 * A socket. Its call ends as soon as `wx` has made it: whether the handshake succeeds is for the app's own listeners,
 * and for `auth`. `ask`: finds out whether the session still lives, by a request to the same place.
 */
export function socketOf(
  sender: Sender,
  options: WxOptions,
  auth: Auth,
  origins: Origins,
  ask: (auth: Auth, url: string) => void,
): Outgoing<WxSocketTask> {
  // A relative URL is a path of the base here too.
  const url = origins.resolve(options.url).replace(/^http/i, 'ws')
  const connect = sender<unknown>('connectSocket', Object.assign({}, options, { url }))
  return {
    send(requestAuth, { success, fail }) {
      const opened = () => success(socket)
      const socket = connect(requestAuth, { success: opened, fail }) as unknown as WxSocketTask
      // It goes on after its call has ended.
      const handshake = requestAuth.url ? auth.carry(url) : NO_AUTH
      // A handshake that only closes has no head, and says nothing.
      const release = (head?: object) => auth.answered(handshake, head)
      socket.onOpen(release)
      socket.onError(() => {
        // Phones do not say why: the handshake may have been refused for its session, and the server may be away.
        if (release() && !auth.isForeign) ask(auth, url.replace(/^ws/i, 'http'))
      })
      // A handshake that was given up keeps nobody waiting for its answer.
      socket.onClose(release)
      return { abort: () => socket.close({}) }
    },
  }
}
