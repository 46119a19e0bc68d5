import type { ExecutionContext, TestFn } from 'ava'
import type { SessionStore } from '../../src/stores/store.js'
import { storeContract } from '../../src/testing/index.js'

export { type Created, create, newId, newRecord } from '../../src/testing/contract/support.js'

/** What every store promises, as tests: the same for all of them, and for those that others write. */
export function testStore(test: TestFn, makeStore: (t: ExecutionContext) => Promise<SessionStore>): void {
  for (const { name, run } of storeContract) {
    test(`contract: ${name}`, async (t) => {
      const store = await makeStore(t)
      await t.notThrowsAsync(() => run(store))
    })
  }
}
