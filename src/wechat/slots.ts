/** Who may ask WeChat, and how many at a time: one for each mini program, so that nothing goes around its total. */
export interface Slots {
  /** The exchange of a login, in its turn; `undefined`, and nothing is done, when too many wait already. */
  exchange<T>(work: () => Promise<T>): Promise<T> | undefined
  /** Any other call, for a user where there is one; the same. */
  call<T>(work: () => Promise<T>, openId?: string): Promise<T> | undefined
}

/** What counts together: so many at a time, and so many that wait. */
interface Limit {
  readonly max: number
  readonly room: number
  active: number
  waiting: number
}

/** Calls of one user at a time: a person taps one button. */
const FOR_A_USER = 3

/**
 * Logins may have every slot. Other calls have half of them at most, since a user who sends made-up codes for phone
 * numbers must not keep others from logging in; and each user has a few, so that one cannot take that half. As many
 * again wait, first come, first served; but who waits for a limit of their own holds up nobody else.
 */
export function createSlots(concurrency: number): Slots {
  const total = limit(concurrency, Number.POSITIVE_INFINITY)
  const ofExchanges = [total, limit(concurrency)]
  const calls = limit(Math.max(1, Math.floor(concurrency / 2)))
  const users = new Map<string, Limit>()
  const line: { limits: Limit[]; start(): void }[] = []

  return {
    exchange: (work) => enter(work, ofExchanges),
    call(work, openId) {
      if (openId === undefined) return enter(work, [total, calls])
      const own = users.get(openId) ?? limit(FOR_A_USER)
      const turn = enter(work, [total, calls, own])
      // Only while something of the user's is under way.
      if (turn) users.set(openId, own)
      const forget = () => {
        if (own.active + own.waiting === 0 && users.get(openId) === own) users.delete(openId)
      }
      turn?.then(forget, forget)
      return turn
    },
  }

  function enter<T>(work: () => Promise<T>, limits: Limit[]): Promise<T> | undefined {
    if (limits.every(isFree)) return run(work, limits)
    if (limits.some(({ waiting, room }) => waiting >= room)) return undefined
    for (const each of limits) each.waiting++
    return new Promise((resolve) => void line.push({ limits, start: () => resolve(run(work, limits)) }))
  }

  async function run<T>(work: () => Promise<T>, limits: Limit[]): Promise<T> {
    for (const each of limits) each.active++
    try {
      return await work()
    } finally {
      for (const each of limits) each.active--
      startNext()
    }
  }

  /** There and then, so that nobody who comes in between gets the slot of one who has waited. */
  function startNext(): void {
    const first = line.find(({ limits }) => limits.every(isFree))
    if (!first) return
    line.splice(line.indexOf(first), 1)
    for (const each of first.limits) each.waiting--
    first.start()
  }
}

const limit = (max: number, room = max): Limit => ({ max, room, active: 0, waiting: 0 })

const isFree = ({ active, max }: Limit): boolean => active < max
