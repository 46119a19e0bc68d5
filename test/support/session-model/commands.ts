import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Response } from 'supertest'
import { kept } from '../visitor.js'
import { codeOnly } from '../wechat.js'
import type { Model, ModelCredential, ModelSession } from './model.js'
import * as model from './model.js'
import type { System } from './system.js'

type Command = fc.AsyncCommand<Model, System>

/** What happens to sessions, one thing after the other. */
export function commands(): fc.Arbitrary<Iterable<Command>> {
  const user = fc.constantFrom('alice', 'bob')
  const server = fc.nat(1)
  // 0 is the newest.
  const which = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(9))
  const previous = fc.option(fc.nat(9), { freq: 2 })
  const value = fc.constantFrom('1', '2', '3')
  const all: fc.Arbitrary<Command>[] = [
    fc.record({ user, server, previous }).map(logIn),
    fc.record({ which, server }).map((use) => request('get', use)),
    fc.record({ which, server }).map((use) => request('who', use)),
    fc.record({ which, server, key: fc.constantFrom('a', 'b'), value }).map((use) => request('put', use)),
    fc.record({ which, server, key: fc.constantFrom('a', 'b'), value }).map((use) => request('rotate', use)),
    fc.record({ which, server }).map((use) => request('logout', use)),
    fc.record({ user, server }).map(revoke),
    fc.record({ which, isOver: fc.boolean() }).map(passToTheEnd),
    fc.boolean().map(setAway),
    server.map(nobody),
  ]
  const often = [all[0], all[0], all[1], all[3], all[4]] as fc.Arbitrary<Command>[]
  return fc.commands([...often, ...all], { maxCommands: 20, size: 'max' })
}

/** At the end every credential that was ever given is shown to every server. */
export async function checkAll(m: Model, system: System): Promise<void> {
  await setAway(false).run(m, system)
  for (const which of m.credentials.keys()) {
    for (const server of [0, 1]) await request('get', { which, server }).run(m, system)
  }
}

interface Use {
  which: number
  server: number
  key?: string
  value?: string
}

type What = 'get' | 'who' | 'put' | 'rotate' | 'logout'

function request(what: What, { which, server, key = '', value = '' }: Use): Command {
  const text = `${what} ${key}${value}`.trim()
  return command(
    `${text} with the credential ${which} ago, at server ${server}`,
    async (m, system) => {
      const credential = pick(m, which)
      const { session } = credential
      const path = key === '' ? `/${what}` : `/${what}?${key}=${value}`
      const response = await system.send(server, credential.headers, path)
      const isSelfContained = what === 'who' && system.carrier === 'jwt'

      if (m.isAway && response.status === 503) return isRefusal(response, 503, 'ERR_STORE_UNAVAILABLE')
      if (!model.isGood(credential)) {
        // A token is believed for a moment, unless this server knows better: so a handler may have begun.
        const isBelieved = system.carrier === 'jwt' && !system.isStoreHere && session.expires > Date.now()
        if (isBelieved && !credential.refusedAt.has(server) && response.status !== 401) {
          if (what === 'who') return isOf(response, session, system)
          credential.refusedAt.add(server)
          assert.equal(response.get('X-WX-Login'), 'required')
          return isRefusal(response, 409, 'ERR_SESSION_CONFLICT')
        }
        credential.refusedAt.add(server)
        return isRefusal(response, 401, 'ERR_SESSION_EXPIRED')
      }

      assert.equal(response.status, 200, response.text)
      // What is known here needs no store; nothing is changed without it.
      if (m.isAway) assert.ok(isSelfContained || (system.isCached && (what === 'get' || what === 'who')))
      if (key !== '') session.data[key] = value
      if (what === 'logout') session.isOver = true
      if (what === 'logout') assert.equal(response.body.user, null)
      else isOf(response, session, system)
      assert.equal(response.body.isNew, false)
      if (what !== 'who') assert.deepEqual(response.body.data, session.data)
      if (what === 'rotate' && system.carrier !== 'code') {
        model.give(m, session, isGiven(response))
        credential.isReplaced = true
        credential.refusedAt.add(server)
      } else assert.deepEqual(given(response), {}, 'what the client has is not given again')
    },
    (m) => m.credentials.length > 0,
  )
}

function logIn({
  user,
  server,
  previous,
}: {
  user: string
  server: number
  previous: number | null
}): Command {
  return command(
    `${user} logs in, ${previous === null ? 'anew' : `with what was given ${previous} ago`}, at server ${server}`,
    async (m, system) => {
      const name = system.nameOf(user)
      const before = previous === null || m.credentials.length === 0 ? undefined : pick(m, previous)
      const headers = await system.login(name)
      const response = await system.send(server, { ...before?.headers, ...headers }, '/login')
      if (m.isAway) return isRefusal(response, 503, 'ERR_STORE_UNAVAILABLE')

      const isCode = system.carrier === 'code'
      assert.equal(response.status, 200, response.text)
      const session = model.logIn(m, name, isCode ? undefined : before)
      if (before && !isCode) before.refusedAt.add(server)
      isOf(response, session, system)
      assert.equal(response.body.isNew, true)
      assert.deepEqual(response.body.data, {})
      if (isCode) assert.deepEqual(given(response), {})
      model.give(m, session, isCode ? codeOnly(headers) : isGiven(response))
    },
  )
}

function revoke({ user, server }: { user: string; server: number }): Command {
  return command(`${user} is revoked, at server ${server}`, async (m, system) => {
    const name = system.nameOf(user)
    const revoked = system.revoke(server, name)
    if (m.isAway) return assert.rejects(revoked, { reason: 'ERR_STORE_UNAVAILABLE' })
    await revoked
    model.revoke(m, name)
    for (const { session, refusedAt } of m.credentials) if (session.user === name) refusedAt.add(server)
  })
}

function passToTheEnd({ which, isOver }: { which: number; isOver: boolean }): Command {
  return command(
    `the session of the credential ${which} ago ${isOver ? 'is over' : 'is over in a ms'}`,
    async (m, system) => {
      // The next command comes at that moment.
      const left = pick(m, which).session.expires - Date.now() - TICK - (isOver ? 0 : 1)
      if (left > 0) system.pass(left)
    },
    (m) => m.credentials.length > 0,
  )
}

function setAway(isAway: boolean): Command {
  return command(`the store ${isAway ? 'fails' : 'works'}`, async (m, system) => {
    m.isAway = isAway
    system.setAway(isAway)
  })
}

function nobody(server: number): Command {
  return command(`nobody asks server ${server}`, async (_m, system) => {
    const response = await system.send(server, {}, '/get')
    assert.equal(response.status, 200)
    assert.equal(response.body.user, null)
    assert.deepEqual(given(response), {})
  })
}

/** ms from one command to the next: longer than any lasts, so that what comes later ends later, by any clock. */
const TICK = 1000

function command(
  text: string,
  run: (m: Model, system: System) => Promise<void>,
  isPossible: (m: Readonly<Model>) => boolean = () => true,
): Command {
  return {
    check: isPossible,
    async run(m, system) {
      system.pass(TICK)
      await run(m, system)
    },
    toString: () => text,
  }
}

function pick({ credentials }: Model, ago: number): ModelCredential {
  return credentials.at(-1 - (ago % credentials.length)) as ModelCredential
}

function isOf(response: Response, { user }: ModelSession, system: System): void {
  assert.equal(response.body.user.openId, system.openId(user))
  assert.equal(response.body.user.nickName, user)
}

function isRefusal(response: Response, status: number, reason: string): void {
  assert.equal(response.status, status, response.text)
  // What escapes through a handler has no body of ours.
  assert.ok([undefined, reason].includes(response.body.reason), response.text)
  assert.equal(response.get('X-WX-Session-Error'), reason)
  assert.equal(response.get('Cache-Control'), 'no-store')
  assert.deepEqual(given(response), {})
}

/** The one credential that an answer gives, which no cache may keep. */
function isGiven(response: Response): Record<string, string> {
  const headers = given(response)
  assert.equal(Object.keys(headers).length, 1, 'a credential is given')
  assert.equal(response.get('Cache-Control'), 'no-store')
  return headers
}

/** What a response gives, without the cookies that it takes back. */
function given(response: Response): Record<string, string> {
  const { Cookie, ...rest } = kept(response)
  return { ...rest, ...(Cookie && !/=$/.test(Cookie) && { Cookie }) }
}
