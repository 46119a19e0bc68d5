import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { MongoClient } from 'mongodb'
import { testDrawingStore } from '../support/drawing-contract.js'
import { embeddedDrawings, mongoDrawings, temporaryDrawings, temporaryFolder } from '../support/one-stroke.js'
import { freePort } from '../support/redis.js'
import { until } from '../support/until.js'

const { MONGO_URL } = process.env

testDrawingStore(test, 'embedded', temporaryDrawings)

if (MONGO_URL) testDrawingStore(test, 'MongoDB', (t) => openMongo(t, MONGO_URL))
else {
  test('MongoDB: not tried here, because MONGO_URL names none', (t) => {
    t.log(
      'MONGO_URL=mongodb://127.0.0.1:27017 npm test -- test/one-stroke/drawing-store.test.ts runs the same suite on it',
    )
    t.pass()
  })
}

test('embedded: drawings are there after a restart', async (t) => {
  const folder = temporaryFolder(t)
  const before = embeddedDrawings({ folder })
  await before.save('alice', { id: 'one', actions: '[1]' })
  const page = await before.list('alice', { limit: 20 })
  await before.close()

  const after = embeddedDrawings({ folder })
  t.teardown(() => after.close())

  t.deepEqual(await after.list('alice', { limit: 20 }), page)
  t.is(page.drawings.length, 1)
})

test('embedded: a process sees at once what another saves', async (t) => {
  const folder = temporaryFolder(t)
  const store = embeddedDrawings({ folder })
  t.teardown(() => store.close())
  const other = startWriter(t, folder, 'other')

  for (let n = 0; n < 50; n++) {
    const id = await other.saved()
    const { drawings } = await store.list('alice', { limit: 100 })
    t.true(
      drawings.some((drawing) => drawing.id === id),
      id,
    )
    await store.save('alice', { id: `ours-${n}`, actions: '[]' })
  }
})

test('embedded: processes are killed in the middle, and nothing that was acknowledged is lost', async (t) => {
  const folder = temporaryFolder(t)
  const acknowledged: string[] = []
  let kills = 0
  const lives = ['a', 'b'].map(async (name) => {
    for (let life = 0; life < 4; life++) {
      const writer = startWriter(t, folder, `${name}${life}`)
      const enough = 5 + Math.floor(Math.random() * 20)
      for (let n = 0; n < enough; n++) acknowledged.push(await writer.saved())
      writer.child.kill('SIGKILL')
      kills++
      // What it had said before its end.
      acknowledged.push(...(await writer.rest()))
    }
  })
  await Promise.all(lives)

  const store = embeddedDrawings({ folder })
  t.teardown(() => store.close())
  const found = new Set<string>()
  let before: string | undefined
  do {
    const { drawings, next } = await store.list('alice', { limit: 100, before })
    for (const { id, actions } of drawings) {
      found.add(id)
      t.is(actions, `["${id}","${'x'.repeat(20_000)}"]`)
    }
    before = next
  } while (before)
  t.deepEqual(
    acknowledged.filter((id) => !found.has(id)),
    [],
  )
  t.is(kills, 8)
  t.true(acknowledged.length >= 40)
  await store.save('alice', { id: 'still-writable', actions: '[]' })
})

test('MongoDB: a server that is absent, or never answers, is given up in time', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => void silent.close())
  const { port } = silent.address() as { port: number }

  const began = Date.now()
  const ports = Object.entries({ absent: await freePort(), silent: port })
  await Promise.all(
    ports.map(async ([name, at]) => {
      await t.throwsAsync(mongoDrawings({ url: `mongodb://127.0.0.1:${at}/one-stroke` }), undefined, name)
      t.true(Date.now() - began < 10_000, `${name}: ${Date.now() - began} ms`)
    }),
  )
})

async function openMongo(t: ExecutionContext, url: string) {
  const name = `one-stroke-test-${randomUUID()}`
  const own = url.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`)
  const store = await mongoDrawings({ url: own })
  t.teardown(async () => {
    await store.close()
    const client = new MongoClient(own, { serverSelectionTimeoutMS: 3000 })
    await client.db().dropDatabase()
    await client.close()
  })
  return store
}

interface Writer {
  child: ChildProcess
  /** The id of the next drawing that was acknowledged. */
  saved(): Promise<string>
  /** Of those that were acknowledged before it was killed. */
  rest(): Promise<string[]>
}

/** A process that saves drawings of alice, one after the other; ends with the test. */
function startWriter(t: ExecutionContext, folder: string, name: string): Writer {
  const script = fileURLToPath(new URL('../support/drawing-writer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import=tsx', script, folder, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const ids: string[] = []
  createInterface(child.stdout).on('line', (id) => ids.push(id))
  let given = 0
  return {
    child,
    async saved() {
      await until(() => ids.length > given)
      return ids[given++] as string
    },
    async rest() {
      await exit
      return ids.slice(given)
    },
  }
}
