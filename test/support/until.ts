import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something holds; an error when it does not within a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still waiting for ${holds}`)
    await sleep(5)
  }
}
