import type { SessionRecord } from '../stores/store.js'
import type { LoginOutcome } from './exchange.js'

/** The requests of this process that log in with one code at the same time: they share one exchange. */
export interface PendingLogin {
  outcome: Promise<LoginOutcome>
  /** The session, made by the first of the requests that WeChat's signature vouches for. */
  created?: Promise<SessionRecord>
  requests: number
  /** Settles when others can see what became of the code. */
  settled: Promise<void>
  /** Later requests read the store: what this login knows may have been revoked since. */
  settle(): void
}

/** The logins that are under way in this process, by the id of their code. */
export interface PendingLogins {
  get(id: string): PendingLogin | undefined
  start(id: string, outcome: Promise<LoginOutcome>): PendingLogin
}

export function createPendingLogins(): PendingLogins {
  const pending = new Map<string, PendingLogin>()

  return {
    get: (id) => pending.get(id),

    start(id, outcome) {
      let resolveSettled = () => {}
      const login: PendingLogin = {
        outcome,
        requests: 0,
        settled: new Promise((resolve) => {
          resolveSettled = resolve
        }),
        settle() {
          if (pending.get(id) === login) pending.delete(id)
          resolveSettled()
        },
      }
      pending.set(id, login)
      outcome.then(({ kind }) => kind === 'known' && login.settle(), login.settle)
      return login
    },
  }
}
