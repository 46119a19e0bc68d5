import { subscribe } from 'node:diagnostics_channel'
import type { Diagnostics } from 'koa-weapp-session'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Seconds: from what a cache takes to what a WeChat that is away does. */
const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.3, 1, 3, 10]

/**
 * Counts what koa-weapp-session says of itself. No label is a user or a session: there would be as many series. The
 * reason, the errcode and the name of a call are a handful.
 */
export function countSessions(registry: Registry): void {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `weapp_${name}_total`, help, labelNames, registers })
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name: `weapp_${name}_seconds`, help, labelNames, registers, buckets: BUCKETS })

  const logins = histogram('login', 'Logins that succeeded', ['appId', 'isNew'])
  const exchanges = histogram('exchange', 'Codes sent to WeChat', ['appId', 'outcome'])
  const storeCalls = histogram('store_call', 'Calls of the session store', ['call', 'outcome'])
  const refusals = counter('refusals', 'Requests that were refused', ['reason', 'status'])
  const lookups = counter('cache_lookups', 'Sessions looked up in memory', ['isHit'])
  const revocations = counter('revocations', 'Users whose sessions were all ended', ['appId'])
  const open = new Gauge({
    name: 'weapp_breaker_open',
    help: 'Whether the store, or WeChat, is left alone for a while',
    labelNames: ['of'],
    registers,
  })

  on('login', ({ appId, isNew, ms }) => logins.observe({ appId, isNew: String(isNew) }, ms / 1000))
  on('exchange', ({ appId, errcode, status, ms }) =>
    exchanges.observe({ appId, outcome: String(errcode ?? status ?? 'ok') }, ms / 1000),
  )
  on('store', ({ call, outcome, ms }) => storeCalls.observe({ call, outcome }, ms / 1000))
  on('refusal', ({ reason, status }) => refusals.inc({ reason, status }))
  on('cache', ({ isHit }) => lookups.inc({ isHit: String(isHit) }))
  on('revoke', ({ appId }) => revocations.inc({ appId }))
  on('breaker', ({ of, isOpen }) => open.set({ of }, isOpen ? 1 : 0))
}

function on<Name extends keyof Diagnostics>(name: Name, listen: (message: Diagnostics[Name]) => void): void {
  subscribe(`koa-weapp-session:${name}`, (message) => listen(message as Diagnostics[Name]))
}
