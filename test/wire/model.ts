/** What a phone must see, whatever happens to the answers: the promise of the wire as one model. */
import fc from 'fast-check'
import type { Session, SessionError } from '../../client/src/index.js'
import type { Phone } from '../../simulator/src/index.js'
import { DEEDS, type Deed, TTL, WAYS, type Way, type World } from './world.js'

export type Step =
  | { kind: 'request'; deed: Deed; way: Way }
  | { kind: 'gateway'; access: 'off' | 'auto' | 'manual'; responseHeaders: 'kept' | 'dropped' }
  /** So many parts of a session's life: a renewal is due after a tenth. */
  | { kind: 'wait'; part: number }
  /** The app is started anew. */
  | { kind: 'launch' }

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('request' as const),
        deed: fc.constantFrom(...DEEDS),
        way: fc.constantFrom(...WAYS),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('gateway' as const),
        access: fc.constantFrom('off' as const, 'auto' as const, 'manual' as const),
        responseHeaders: fc.constantFrom('kept' as const, 'dropped' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), part: fc.constantFrom(0.2, 0.6, 1.1) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'launch' as const }) },
  ),
  { minLength: 1, maxLength: 8 },
)

interface Body {
  user?: string | null
  data?: { writes?: number }
}

/** What the phone's user has done so far, as far as anybody can know. */
interface Model {
  /** Writes that are certain to be in the session, and those that may be. */
  writes: [atLeast: number, atMost: number]
  /** Reasons for a login since the last look: the first call, a logout, the session's end. */
  causes: number
  /** Whether a session has ended since the last look: what stood in it is gone. */
  isOver: boolean
}

/**
 * Plays the steps of one phone, and says what was broken, if anything was.
 *
 * 1. After each step the app knows who the user is, after one more request at most.
 * 2. No request is answered as a guest's while the app believes in a session.
 * 3. There is one login where one was due, and none where none was.
 * 4. What was written stands in the session for as long as that lives.
 */
export async function play(
  world: World,
  list: Step[],
  pass: (ms: number) => void,
): Promise<string | undefined> {
  const { phone, openId, ...launched } = world.newPhone()
  let session = launched.session
  const model: Model = { writes: [0, 0], causes: 1, isOver: false }

  for (const [index, step] of list.entries()) {
    const before = world.wechat.exchanges
    const broken = await playStep(step)
    if (broken) return `step ${index}: ${broken}`
    const seen = await look()
    if (typeof seen === 'string') return `after step ${index}: ${seen}`
    const logins = world.wechat.exchanges - before
    if (logins > model.causes) return `after step ${index}: ${logins} logins for ${model.causes} reasons`
    if (logins > 0 && model.isOver) model.writes = [0, model.writes[1]]
    Object.assign(model, { causes: 0, isOver: false })
    const [least, most] = model.writes
    const writes = seen.data?.writes ?? 0
    if (writes < least || writes > most)
      return `after step ${index}: ${writes} writes are there, of ${least} to ${most}`
    model.writes = [writes, writes]
  }
  return undefined

  async function playStep(step: Step): Promise<string | undefined> {
    if (step.kind === 'gateway') {
      ;(phone as Phone).gateway = { access: step.access, responseHeaders: step.responseHeaders }
    } else if (step.kind === 'wait') {
      pass(step.part * TTL * 1000)
      if (step.part > 1) end()
    } else if (step.kind === 'launch') {
      phone.coldStart()
      session = world.relaunch(phone)
    } else return request(session, step)
    return undefined
  }

  function end(): void {
    model.causes++
    model.isOver = true
  }

  async function request(on: Session, { deed, way }: { deed: Deed; way: Way }): Promise<string | undefined> {
    const isSaved = way !== 'throw' && way !== '404' && way !== 'page'
    if (way !== 'page') {
      if (deed === 'write' && isSaved) model.writes = [model.writes[0], model.writes[1] + 1]
      if (deed === 'write' && isSaved) model.writes = [model.writes[1], model.writes[1]]
      // wx.request follows a redirect by itself, with what it sent before: it never sees the new credential.
      if (deed === 'logout' || (deed === 'rotate' && way === 'redirect')) end()
    }
    const { data, error } = await answerOf<Body>(on, `/do?deed=${deed}&way=${way}`)
    if (error && way !== 'page' && error.code !== 'ERR_REFUSED') return `${error.code}: ${error.message}`
    if (way === 'page' || !data || typeof data !== 'object') return undefined
    if (data.user === null) return 'the request was answered as a guest’s'
    return undefined
  }

  /** Who the server says that this is: after one more request at most. */
  async function look(): Promise<Body | string> {
    let seen: Body | undefined
    for (let tries = 0; tries < 2; tries++) {
      const { data, error } = await answerOf<Body>(session, '/who')
      if (error) continue
      seen = data
      if (data?.user === openId) return data
    }
    return `the server takes the user for ${JSON.stringify(seen)}`
  }
}

async function answerOf<Data>(
  session: Session,
  url: string,
): Promise<{ data?: Data | undefined; error?: SessionError }> {
  try {
    const { data } = await session.request<Data>({ url })
    return { data }
  } catch (error) {
    return { error: error as SessionError }
  }
}
