/** Stores that others have made for express-session and for koa-session, through the contract: docs/stores.md has the results. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { type ExpressStore, fromExpressStore } from '../../src/stores/express/index.js'
import { fromKoaStore, type KoaStore } from '../../src/stores/koa/index.js'
import type { SessionStore } from '../../src/stores/store.js'
import { storeContract } from '../../src/testing/index.js'
import { readPage } from '../docs/support/markdown.js'
import { type Databases, startDatabases } from './support/databases.js'
import { type Installed, install } from './support/install.js'

type Make = (at: Databases) => Promise<{ store: unknown; end(): unknown }>
type Makers = Record<string, Make>

/** The machine is busy, and a database on it. */
const PATIENT = { timeout: 20_000 }

/** In what a store that others use every day is no store for sessions like these: the beginnings of the cases that fail. */
const RESULTS: Record<'express' | 'koa', Record<string, string[]>> = {
  express: {
    'express-session': [],
    'connect-redis': [],
    'connect-pg-simple': [],
    memorystore: [],
    'connect-session-knex': [],
    'connect-dynamodb': [],
    'connect-session-sequelize': [],
    'express-mysql-session': [],
    'connect-loki': [],
    'session-file-store': [],
    'connect-memcached': [],
  },
  koa: {
    'koa-redis': [],
    'koa-generic-session': [],
    'koa-session-local': [],
    'koa-session-memory': [],
    'koa-session-knex-store': [],
    'koa-session-redis-store': [],
  },
}

let installed: Installed
let databases: Databases
let makers: { express: Makers; koa: Makers }

test.before('stores: they are installed, and their databases run', async (t) => {
  t.timeout(300_000)
  installed = await install('stores', [])
  databases = await startDatabases()
  makers = await import(pathToFileURL(join(installed.folder, 'stores.mjs')).href)
})

test.after.always(async () => {
  await databases?.end()
  await installed?.remove()
})

for (const [name, fails] of Object.entries(RESULTS.express)) {
  test.serial(`fromExpressStore(${name}): the contract`, async (t) => {
    t.timeout(120_000)
    t.deepEqual(
      await failuresOf(made('express', name), (store) => fromExpressStore(store as ExpressStore, PATIENT)),
      fails,
    )
  })
}

for (const [name, fails] of Object.entries(RESULTS.koa)) {
  test.serial(`fromKoaStore(${name}): the contract`, async (t) => {
    t.timeout(120_000)
    t.deepEqual(
      await failuresOf(made('koa', name), (store) => fromKoaStore(store as KoaStore, PATIENT)),
      fails,
    )
  })
}

test.serial('fromKoaStore(koa-mysql-session): it has generators, and is refused at start-up', async (t) => {
  const { store } = await made('koa', 'koa-mysql-session')(databases)

  t.throws(() => fromKoaStore(store as KoaStore), { message: /has generators/ })
})

// As its `get` takes two values, it could be of either.
const UNTOLD = 'koa-session-memory'

test.serial('fromExpressStore(), fromKoaStore(): each is refused in the place of the other', async (t) => {
  const said: [name: string, message: string][] = []
  for (const name of Object.keys(RESULTS.express))
    said.push([name, await mistakeOf(made('express', name), (store) => fromKoaStore(store as KoaStore))])
  for (const name of Object.keys(RESULTS.koa).filter((name) => name !== UNTOLD))
    said.push([name, await mistakeOf(made('koa', name), (store) => fromExpressStore(store as ExpressStore))])

  for (const [name, message] of said)
    t.regex(message, name in RESULTS.koa ? /fromKoaStore\(\)$/ : /fromExpressStore\(\)$/, name)
})

test('docs/stores.md: it has a row for every store, with its result', (t) => {
  const { text } = readPage('docs/stores.md')

  for (const [name, fails] of Object.entries({ ...RESULTS.express, ...RESULTS.koa })) {
    const row = text.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? ''
    t.true(row.includes(fails.length === 0 ? 'passes' : 'fails'), `${name}: ${row}`)
  }
})

function made(kind: 'express' | 'koa', name: string): Make {
  const make = makers[kind][name]
  if (!make) throw new Error(`stores.mjs makes no ${name}`)
  return make
}

/** The names of the cases that fail: all on one store, some at a time, as a server has them. */
async function failuresOf(make: Make, over: (store: unknown) => SessionStore): Promise<string[]> {
  const { store, end } = await make(databases)
  const sessions = over(store)
  // The first call connects, or makes a table.
  await sessions.read('first')
  const failures: string[] = []
  const left = [...storeContract]
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { name, run } = next
      await run(sessions).catch((error: unknown) => failures.push(`${name}: ${String(error).slice(0, 200)}`))
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  await end()
  return failures.sort()
}

async function mistakeOf(make: Make, over: (store: unknown) => SessionStore): Promise<string> {
  const { store, end } = await make(databases)
  try {
    over(store)
    return 'nothing'
  } catch (error) {
    return String(error)
  } finally {
    await end()
  }
}
