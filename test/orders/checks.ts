import type { Answer } from './call.js'
import type { Choice } from './choice.js'
import type { Order } from './order.js'
import { type Deed, LOGINS } from './scene.js'
import { MAX_SESSIONS, PREFIX, TTL, type World } from './world.js'

/** A request, and what was heard of it. */
interface Heard {
  deed: Deed
  name: 'A' | 'B'
  answer: Answer | undefined
  isOk: boolean
  /** The server's process crashed, so that nothing was heard. */
  isLost: boolean
}

/** What a credential is good for, once all is over. */
interface Seen {
  isAccepted: boolean
  status: number
  openId: string | undefined
  data: Record<string, unknown>
}

/** What an order has broken of what is promised, in words. Looks through the public API alone, but for the counting. */
export async function broken(world: World, order: Order): Promise<string[]> {
  const { scene, pair, answers, hanging, steps } = order
  const { device, guest, other, openId } = scene
  const wrong: string[] = []
  const must = (isRight: boolean, words: string) => void (isRight || wrong.push(words))
  const heard = pair.map((deed, index): Heard => {
    const answer = answers[index]
    const name = index === 0 ? 'A' : 'B'
    return { deed, name, answer, isOk: answer?.status === 200, isLost: !answer }
  })
  const fault = steps.find((step) => step.fault)
  const isCrash = fault?.fault?.startsWith('crash') ?? false
  const all = (...deeds: Deed[]) => heard.filter(({ deed }) => deeds.includes(deed))
  const logins = heard.filter(({ deed }) => LOGINS.has(deed))
  const home = world.home(scene.setting, TTL)
  const look = async (credential: string): Promise<Seen> => {
    const { status, body } = await home.get('/look', scene.headers(credential))
    const data = body.data ?? {}
    return { isAccepted: status === 200, status, openId: body.user?.openId, data }
  }

  // 7: who is who, and what may be answered.
  must(hanging.length === 0, `${hanging.join(' and ')} hang`)
  for (const { name, answer, deed } of heard) {
    if (!answer) continue
    const said = answer.body.user?.openId
    must(said === undefined || said === openId, `${name} is somebody else`)
    const allowed = fault ? [200, 401, 409, 502, 503, 504] : [200, 401, 409]
    must(allowed.includes(answer.status), `${name} (${deed}) was answered ${answer.status}`)
    must(
      answer.status === 200 || answer.reason !== undefined,
      `${name} (${deed}) was refused without a reason`,
    )
  }

  // 1, 2, 4: the device's session, whichever its credential is by now.
  const rotations = all('rotate')
  const moved = rotations.flatMap(({ answer }) => answer?.credential ?? [])
  const revocations = all('revoke')
  const isRevoked = revocations.some(({ isOk }) => isOk)
  const mayBeRevoked = revocations.length > 0
  const deviceSeen = device ? await lookAt(look, [device, ...moved]) : []
  const goodForDevice = deviceSeen.filter(({ isAccepted }) => isAccepted)
  const loggedOut = all('logout').some(({ isOk }) => isOk)
  must(!loggedOut || goodForDevice.length === 0, 'a session is accepted that was logged out')
  must(!isRevoked || goodForDevice.length === 0, 'a session is accepted whose user was revoked')
  must(goodForDevice.length <= 1, 'an old credential is accepted beside the new one')
  must(moved.length === 0 || !deviceSeen[0]?.isAccepted, 'the old credential is accepted after a rotation')
  must(moved.length <= 1, 'two rotations of one session have won')
  if (!fault && rotations.length === 2) {
    must(rotations.filter(({ isOk }) => isOk).length === 1, 'of two rotations, not exactly one has won')
    must(
      rotations.every(({ isOk, answer }) => isOk || answer?.status === 409 || answer?.status === 401),
      'the rotation that lost was told something else',
    )
  }
  for (const { isOk, answer } of rotations)
    must(!isOk || answer?.credential !== undefined, 'a rotation was answered 200 without a credential')

  // 5: room for so many, whatever has happened.
  const live = await liveSessions(world, openId)
  must(live <= MAX_SESSIONS, `${live} sessions of one user`)
  const otherSeen = await look(other)
  must(!isRevoked || !otherSeen.isAccepted, "another device's session is accepted whose user was revoked")
  if (logins.length === 0 && !mayBeRevoked) must(otherSeen.isAccepted, "another device's session has ended")

  // 8: nobody is logged out by what went wrong.
  const mayBeOut = isCrash || mayBeRevoked || all('logout').length > 0 || (device && logins.length > 0)
  if (device && !mayBeOut) must(goodForDevice.length > 0, 'the device is logged out')
  if (!isCrash && !mayBeRevoked && all('logout').length === 0 && logins.length > 0) {
    const known = [device, other, ...moved].filter((credential) => credential !== undefined)
    const before = (device ? 1 : 0) + 1
    const left = (await lookAt(look, known)).filter(({ isAccepted }) => isAccepted).length
    must(left >= before - codesOf(order, logins).size, 'a login ended more sessions than it needed room for')
  }

  // 3: what was acknowledged is there.
  const writes = all('write').filter(({ isOk }) => isOk)
  for (const { name } of writes)
    must(
      goodForDevice.every(({ data }) => data[name] === true),
      `the acknowledged write of ${name} is lost`,
    )

  // 6: each code once, and one session of it.
  for (const times of world.exchanges.values()) must(times === 1, `a code was exchanged ${times} times`)
  const sessions = new Map<string, Set<string>>()
  const loginSeen = new Map<Heard, Seen>()
  for (const login of logins) {
    const { isOk, answer, deed, name } = login
    if (!isOk || !answer) continue
    const code = scene.codeOf(deed, name)
    const credential = scene.setting.carrier === 'code' ? code : answer.credential
    must(credential !== undefined, `the login of ${name} was accepted without a credential`)
    must(answer.body.user?.openId === openId, `the login of ${name} is of nobody`)
    if (!credential) continue
    sessions.set(code, (sessions.get(code) ?? new Set()).add(credential))
    const seen = await look(credential)
    loginSeen.set(login, seen)
    const isOver = isRevoked && claimedBefore(steps, scene.keyOfCode(code))
    must(!isOver || !seen.isAccepted, `the login of ${name} is accepted, which began before the revocation`)
    if (!mayBeRevoked) must(seen.isAccepted, `the session of the login of ${name} is not accepted`)
  }
  for (const found of sessions.values()) must(found.size === 1, 'one code has two sessions')
  if (!fault && !mayBeRevoked)
    for (const { isOk, name, answer } of logins)
      must(isOk, `the login of ${name} was answered ${answer?.status}`)

  // 3, 4, 8 for guests, whose session a login takes over.
  if (guest) await guestIsRight()
  return wrong

  async function guestIsRight(): Promise<void> {
    const movedGuest = all('guest rotate').flatMap(({ answer }) => answer?.credential ?? [])
    const asGuest = (await lookAt(look, [guest ?? '', ...movedGuest])).filter(({ isAccepted }) => isAccepted)
    must(asGuest.length <= 1, "a guest's old credential is accepted beside the new one")
    must(
      asGuest.every((seen) => seen.openId === undefined),
      "a guest's credential is good for a user",
    )
    const adopted = [...loginSeen].filter(([, { data, isAccepted }]) => isAccepted && data.begun === true)
    const codes = new Set(adopted.map(([{ deed, name }]) => scene.codeOf(deed, name)))
    must(codes.size <= 1, 'two logins have what the guest left')
    must(codes.size === 0 || asGuest.length === 0, 'the guest has still what a login has taken over')
    const places = [...asGuest, ...adopted.map(([, seen]) => seen)]
    for (const { name } of all('guest write').filter(({ isOk }) => isOk))
      must(
        places.every(({ data }) => data[name] === true),
        `the acknowledged guest's write of ${name} is lost`,
      )
    if (!isCrash && !mayBeRevoked) must(places.length > 0, 'what the guest left is nowhere')
  }
}

async function lookAt(look: (credential: string) => Promise<Seen>, credentials: string[]): Promise<Seen[]> {
  const seen: Seen[] = []
  for (const credential of credentials) seen.push(await look(credential))
  return seen
}

/** Counted where they stand, since those that nobody was told of count too. */
async function liveSessions({ client }: World, openId: string): Promise<number> {
  const keys = await client.keys(`${PREFIX}s:*`)
  const values = keys.length > 0 ? await client.mGet(keys) : []
  return values.filter((value) => /^\d/.test(value ?? '') && value?.includes(openId)).length
}

/** Whether the code was claimed before the user was revoked. */
function claimedBefore(steps: readonly Choice[], key: string): boolean {
  const took = (step: Choice) => step.fault !== 'crash before'
  const claim = steps.findIndex((step) => step.command === 'CLAIM' && step.key === key && took(step))
  const revocation = steps.findIndex((step) => step.command === 'REVOKE' && took(step))
  return claim >= 0 && claim < revocation
}

function codesOf({ scene }: Order, logins: Heard[]): Set<string> {
  return new Set(logins.map(({ deed, name }) => scene.codeOf(deed, name)))
}
