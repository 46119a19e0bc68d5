import type { SessionRecord } from '../stores/store.js'
import type { CodeExchanger } from './exchange.js'

/** A login of this process that is under way: the requests with one code share its exchange and its session. */
interface PendingLogin {
  /** Whether this process has exchanged the code, or it was found to have a login already. */
  readonly outcome: ReturnType<CodeExchanger['exchange']>
  /**
   * The session, made by the first request that gets here: one that WeChat's signature vouches for. From then on,
   * requests that come later read the store: what this login knows may have been revoked since.
   */
  createOnce(make: () => Promise<SessionRecord>): { record: Promise<SessionRecord>; isFirst: boolean }
}

interface SharedLogin extends PendingLogin {
  /** Resolves when the store says what became of the code. */
  readonly over: Promise<void>
  created: Promise<SessionRecord> | undefined
  requests: number
  end(): void
}

/** The logins that are under way in this process, by the id of their code. */
export interface PendingLogins {
  /**
   * Does a request's part of a login. The first request with a code starts the exchange, the others join it. When the
   * last one is gone and none of them could create a session, the code is spent all the same.
   */
  join<T>(id: string, code: string, part: (login: PendingLogin, hasJoined: boolean) => Promise<T>): Promise<T>
  /** Each is over when the store says what became of its code. */
  readonly logins: ReadonlyMap<string, { readonly over: Promise<void> }>
}

export function createPendingLogins({
  exchange,
  spend,
}: Pick<CodeExchanger, 'exchange' | 'spend'>): PendingLogins {
  const logins = new Map<string, SharedLogin>()

  return {
    logins,

    async join(id, code, part) {
      const joined = logins.get(id)
      const login = joined ?? start(id, code)
      login.requests++
      try {
        return await part(login, joined !== undefined)
      } finally {
        if (--login.requests === 0) release(login)
      }
    },
  }

  function start(id: string, code: string): SharedLogin {
    let resolveOver = () => {}
    const over = new Promise<void>((resolve) => {
      resolveOver = resolve
    })
    const end = () => {
      if (logins.get(id) === login) logins.delete(id)
      resolveOver()
    }
    const login: SharedLogin = {
      outcome: exchange(id, code),
      created: undefined,
      requests: 0,
      over,
      end,
      createOnce(make) {
        const isFirst = !login.created
        login.created ??= make().finally(end)
        return { record: login.created, isFirst }
      },
    }
    logins.set(id, login)
    login.outcome.then(({ kind }) => kind === 'found' && end(), end)
    return login
  }

  async function release(login: SharedLogin): Promise<void> {
    const outcome = await login.outcome.catch(() => undefined)
    const record = await login.created?.catch(() => undefined)
    if (outcome?.kind === 'exchanged' && !record) spend(outcome.claim).catch(() => {})
    login.end()
  }
}
