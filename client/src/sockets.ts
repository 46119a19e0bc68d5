import type { Answers, Outgoing, Target } from './call.js'
import { NO_AUTH } from './request-auth.js'
import { isFunction, orUndefined } from './util.js'
import type { WxSocketTask } from './wx.js'

/**
 * A socket. Its call ends as soon as `wx` has made it: whether the handshake succeeds is for the app's own listeners,
 * and for `auth`.
 */
export function socketOf(
  { auth, href, isOurs, send: connect }: Target & Outgoing<WxSocketTask>,
  { ask, asking }: Answers,
): Partial<Outgoing<WxSocketTask>> {
  return {
    ready: isOurs ? asking() : undefined,
    send(requestAuth, { success, fail }) {
      let isMade!: () => void
      const made = new Promise<void>((resolve) => {
        isMade = resolve
      })
      const given = connect(requestAuth, { success: isMade, fail })
      // A wrapper of `wx` may give a promise of the socket, or nothing.
      return Promise.resolve(given).then((task) => {
        const socket = task as WxSocketTask
        if (!isFunction(Object(socket).onOpen)) throw { errMsg: 'connectSocket:fail no SocketTask' }
        // It goes on after its call has ended.
        const handshake = requestAuth.url ? auth.carry(href) : NO_AUTH
        // A handshake that only closes has no head, and says nothing.
        const release = (head?: unknown) => auth.answered(handshake, head as object)
        const on = (event: 'onOpen' | 'onError' | 'onClose', listener: (result?: unknown) => void) =>
          orUndefined(() => socket[event](listener))
        on('onOpen', release)
        on('onError', () => {
          // Phones do not say why: the handshake may have been refused for its session, and the server may be away.
          if (release() && !auth.isForeign) ask(auth, href)
        })
        // A handshake that was given up keeps nobody waiting for its answer.
        on('onClose', release)
        if (given !== task) isMade()
        made.then(() => success(socket))
        return { abort: () => socket.close({}) }
      })
    },
  }
}
