/** What the examples of docs/api/ take for granted, beside what those of the other documents do. */
import type Router from '@koa/router'
import type Koa from 'koa'
import type { SessionStore as Store } from 'koa-weapp-session'
import type { createClient } from 'redis'

declare global {
  const router: Router
  const listOrders: Koa.Middleware
  const client: ReturnType<typeof createClient>
  const url: string
  const baseUrl: string
  const code: string
  const openId: string
  let phone: unknown
  /** Of @koa/cors. */
  function cors(options: { origin?: string; credentials?: boolean; exposeHeaders?: string[] }): Koa.Middleware
  function count(what: string): void
  function myStore(): Store
  function retryLater(): void
  function askToTapAgain(): void
}
