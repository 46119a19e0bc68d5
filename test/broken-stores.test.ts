/** Stores that are broken on purpose: the contract has to find the mistake of every one. */
import { AssertionError } from 'node:assert'
import test from 'ava'
import { storeContract, storeExpiryContract } from '../src/testing/index.js'
import { type Base, createBase } from './broken-stores/base.js'
import { BROKEN_STORES } from './broken-stores/stores.js'

const CASES = [
  ...storeContract.map(({ name, run }) => ({ name, run: ({ store }: Base) => run(store) })),
  ...storeExpiryContract.map(({ name, run }) => ({
    name,
    run: ({ store, entries }: Base) => run(store, entries),
  })),
]

test('storeContract, storeExpiryContract: the store that is broken below passes them while it is whole', async (t) => {
  await t.notThrowsAsync(Promise.all(CASES.map(({ run }) => run(createBase()))))
})

for (const { mistake, caughtBy, make } of BROKEN_STORES) {
  test(`storeContract, storeExpiryContract: they find a store where ${mistake}`, async (t) => {
    const found = CASES.filter(({ name }) => name.startsWith(caughtBy))

    t.is(found.length, 1)
    for (const { run } of found) {
      const error = await t.throwsAsync(run(make()))
      t.true(isSaid(error), String(error))
    }
  })
}

/** What the contract says: where a promise is broken, and where a session that it needs was not created. */
function isSaid(error: unknown): boolean {
  return error instanceof AssertionError || /was not (created|replaced|granted)/.test(String(error))
}
