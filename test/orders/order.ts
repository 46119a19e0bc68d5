import type { Answer } from './call.js'
import type { Choice } from './choice.js'
import { LOGINS, type Pair, type Scene, scene } from './scene.js'
import { scheduler } from './scheduler.js'
import type { Setting, World } from './world.js'

/** What became of two requests in one order. */
export interface Order {
  pair: Pair
  scene: Scene
  steps: Choice[]
  /** What A's and B's clients heard; nothing where the process crashed. */
  answers: [Answer | undefined, Answer | undefined]
  /** Neither ended nor crashed, and nothing can happen any more. */
  hanging: string[]
  /** Given up, because an equal order was tried before. */
  isCut: boolean
}

/** Chooses what happens next; nothing: this order is not worth going on with. */
export type Choose = (choices: Choice[], steps: readonly Choice[]) => Choice | undefined

/** More steps than any order has: something goes on for ever. */
const STEPS_MAX = 400

/** Runs two requests, one step at a time. */
export async function runOrder(
  world: World,
  setting: Setting,
  pair: Pair,
  withFaults: boolean,
  choose: Choose,
): Promise<Order> {
  const begun = await scene(world, setting, pair)
  const plan = scheduler()
  const actors = [plan.actor('A'), plan.actor('B')] as const
  const answers: Order['answers'] = [undefined, undefined]
  for (const [index, actor] of actors.entries()) {
    const server = world.parked(actor, plan, setting)
    plan.start(actor, async () => {
      answers[index] = await begun.send(server, pair[index] ?? 'login', actor.name)
    })
    // One after the other, so that their first steps have the same numbers each time.
    await plan.settled()
  }

  const steps: Choice[] = []
  let isCut = false
  for (let all = plan.choices(withFaults); all.length > 0; all = plan.choices(withFaults)) {
    const choice = steps.length < STEPS_MAX ? choose(all, steps) : undefined
    if (!choice) {
      isCut = steps.length < STEPS_MAX
      break
    }
    steps.push(choice)
    await plan.take(choice)
  }
  const hanging = isCut ? [] : plan.waiting()
  plan.stop()
  for (const [index, actor] of actors.entries())
    world.wear(actor, setting, wearOf(actor.name, steps, LOGINS.has(pair[index] ?? 'login')))
  const late = steps.find(({ fault }) => fault === 'late')
  for (const actor of actors)
    if (late?.actor === actor.name) await world.refresh(actor, setting, begun.headers(begun.other))
  return { pair, scene: begun, steps, answers, hanging, isCut }
}

/**
 * Ten exchanges that fail within seconds open the server's breaker; a login that never ends holds one of its hundred
 * places for exchanges.
 */
function wearOf(name: string, steps: Choice[], isLogin: boolean): number {
  const step = steps.find(({ actor, fault }) => fault && actor === name)
  if (step?.kind === 'exchange' && step.fault === 'lost') return 1 / 5
  return isLogin && step?.fault?.startsWith('crash') ? 1 / 50 : 0
}
