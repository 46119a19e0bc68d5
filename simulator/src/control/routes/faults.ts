import type { Fault, WaitingFault } from '../../servers/faults.js'
import { ControlError } from '../control-error.js'
import { DURATION, millisecondsOf } from '../duration.js'
import type { ControlCall, Route } from '../route.js'
import type { Schema } from '../schema.js'

/** The faults that are one word. Each is explained at the type `Fault`. */
const WORDS = ['hang', 'lost', 'reset', 'truncated', 'withoutOpenId', 'withoutSessionKey'] as const

const CONSUME: Schema = { type: 'boolean' }

const FAULT: Schema = {
  oneOf: [
    { type: 'string', enum: WORDS },
    {
      type: 'object',
      required: ['errcode'],
      properties: {
        errcode: { type: 'integer', minimum: -1, maximum: 99_999_999 },
        errmsg: { type: 'string' },
        consume: CONSUME,
        delay: DURATION,
      },
    },
    {
      type: 'object',
      required: ['status'],
      properties: {
        status: { type: 'integer', minimum: 200, maximum: 599 },
        body: { type: 'string', maxLength: 65_536 },
        consume: CONSUME,
        delay: DURATION,
      },
    },
    { type: 'object', required: ['delay'], properties: { delay: DURATION } },
  ],
  description: `one of ${WORDS.join(', ')}, or an object with errcode, status or delay`,
}

export const FAULT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/faults',
    summary: 'The faults that wait for their calls.',
    handle: ({ world }) => ({ faults: world.faults.waiting().map(shown) }),
  },
  {
    method: 'POST',
    path: '/faults',
    summary:
      'The next call of WeChat’s API goes wrong: `times` calls (`always`: all), of `path` alone when it is given.',
    status: 201,
    body: {
      type: 'object',
      required: ['fault'],
      properties: {
        fault: FAULT,
        times: {
          oneOf: [
            { type: 'integer', minimum: 1, maximum: 1_000_000 },
            { type: 'string', enum: ['always'] },
          ],
          description: 'a number from 1, or always',
        },
        path: { type: 'string', pattern: '^/' },
      },
    },
    handle: add,
  },
  {
    method: 'DELETE',
    path: '/faults',
    summary: 'Withdraws all faults.',
    handle({ world }) {
      for (const { id } of world.faults.waiting()) world.faults.withdraw(id)
      return { faults: [] }
    },
  },
  {
    method: 'DELETE',
    path: '/faults/{id}',
    summary: 'Withdraws one fault.',
    handle({ world, params }) {
      const waiting = world.faults.waiting().find(({ id }) => `${id}` === params.id)
      if (waiting === undefined) throw new ControlError('ERR_NO_FAULT', `No fault ${params.id} waits.`)
      world.faults.withdraw(waiting.id)
      return { faults: world.faults.waiting().map(shown) }
    },
  },
]

function add({ world, body }: ControlCall): object {
  const { fault, times = 1, path } = body as { fault: Fault; times?: number | 'always'; path?: string }
  const options = { times: times === 'always' ? Number.POSITIVE_INFINITY : times }
  world.faults.add(inMilliseconds(fault), path === undefined ? options : { ...options, path })
  const added = world.faults.waiting().at(-1)
  return added === undefined ? {} : shown(added)
}

function inMilliseconds(fault: Fault): Fault {
  if (typeof fault === 'string' || fault.delay === undefined) return fault
  const delay = millisecondsOf(fault.delay)
  if (delay === undefined) throw new ControlError('ERR_BAD_REQUEST', 'delay is longer than a year.')
  return { ...fault, delay }
}

function shown({ id, fault, path, left }: WaitingFault): object {
  return { id, fault, path: path ?? null, times: Number.isFinite(left) ? left : 'always' }
}
