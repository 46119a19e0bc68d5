import type { Auth } from './auth.js'
import type { Answers } from './call.js'
import type { Call } from './types.js'

/** ms for which each of two URLs is asked whether a session still lives, and after which that may be asked again. */
const ASKING = 2000
const REST = 5000

/**
 * Finds out whether a session still lives, where an answer does not say. `request`: makes a request like any other; `home`: the
 * URL that is asked beside the one in question.
 */
export function createAnswers(
  request: (url: string, deadline: number) => Call<unknown>,
  home: (url: string) => string,
): Answers {
  /** While the server is asked whether the session of a handshake still lives, and for a while after. */
  let asking: Promise<unknown> | undefined
  return { findOut, ask, asking: () => asking }

  function ask(auth: Auth, url: string): void {
    asking =
      asking ||
      findOut(auth, url).then(() => {
        setTimeout(() => {
          asking = undefined
        }, REST)
      })
  }

  /** If the session is over, the requests find out, and log in. Whether one was answered, and it is still the same. */
  async function findOut(auth: Auth, asked: string): Promise<boolean> {
    const session = auth.current()
    let isAlive = false
    // Where it is over by now, there is nothing to find out.
    for (const url of session ? [asked, home(asked)] : []) {
      const one = request(url, ASKING)
      // What is heard is no refusal, and may be a stream.
      one.onHeadersReceived(one.abort)
      // So it ends by that abort, which nobody else can call.
      const isAnswered = await one.then(
        () => true,
        ({ code }) => code === 'ERR_ABORTED',
      )
      isAlive = isAnswered || isAlive
      if (auth.current() !== session) return false
    }
    return isAlive
  }
}
