import type { Context } from 'koa'
import { isObject, parseObject } from '../util/json.js'
import { createAssets } from './assets.js'
import { HEADERS, isAction, refusalOf } from './guard.js'
import type { Message } from './protocol.js'
import type { Streams } from './stream.js'

/** Bytes of an action: some names, and a list of numbers. */
const BODY_MAX = 64 * 1024

/** What a page can ask for. It answers with an object, or refuses with `{ status, code }`. */
export type Action = (input: Record<string, unknown>) => unknown

/** An action cannot be done. The page knows the code. */
export class ActionError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

export interface SiteOptions {
  /** Where the page is, as the app sees it. */
  path: string
  streams: Streams
  first(): Iterable<Message>
  actions: Readonly<Record<string, Action>>
}

/** Serves the page, its event stream and its actions. */
export interface Site {
  isOurs(ctx: Context): boolean
  answer(ctx: Context): Promise<void>
}

export function createSite({ path, streams, first, actions }: SiteOptions): Site {
  const asset = createAssets()
  /** From `…/__weapp`, a relative name has to begin with it: the app may be mounted somewhere. */
  const folder = path.slice(path.lastIndexOf('/') + 1)

  return {
    isOurs: ({ path: asked }) => asked === path || asked.startsWith(`${path}/`),

    async answer(ctx) {
      const why = refusalOf(ctx.req)
      if (why !== undefined) return forbid(ctx, why)
      const name = ctx.path.slice(path.length + 1)
      ctx.set({ ...HEADERS })
      if (name === 'events' && ctx.method === 'GET') return listen(ctx)
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined
      if (action) return act(ctx, action)
      if (name === '' && ctx.path !== path) return ctx.redirect(`../${folder}`)
      const found = await asset(name === '' ? 'page.html' : name)
      if (!found) {
        ctx.status = 404
        return
      }
      ctx.type = found.type
      ctx.body = found.text.replaceAll('{{folder}}', folder)
    },
  }

  function listen(ctx: Context): void {
    // It does not end: Koa leaves it alone.
    ctx.respond = false
    streams.open(ctx.req, ctx.res, first)
  }

  async function act(ctx: Context, action: Action): Promise<void> {
    if (!isAction(ctx.req)) return forbid(ctx, 'an action is a POST of application/json')
    try {
      ctx.body = (await action(await readInput(ctx))) ?? {}
    } catch (error) {
      ctx.status = error instanceof ActionError ? error.status : 502
      ctx.body = {
        code: error instanceof ActionError ? error.code : 'ERR_INSPECTOR_FAILED',
        message: error instanceof Error ? error.message : String(error),
      }
    }
  }
}

function forbid(ctx: Context, why: string): void {
  ctx.status = 403
  ctx.body = {
    code: 'ERR_INSPECTOR_FORBIDDEN',
    message: `The inspector of koa-weapp-session does not answer this: ${why}.`,
  }
}

async function readInput(ctx: Context): Promise<Record<string, unknown>> {
  const { body } = ctx.request as { body?: unknown }
  if (isObject(body) && ctx.req.readableDidRead) return body
  const { default: getRawBody } = await import('raw-body')
  const text = await getRawBody(ctx.req, { limit: BODY_MAX, encoding: 'utf8' }).catch(() => '')
  const input = parseObject(text)
  if (!input) throw new ActionError(400, 'ERR_INSPECTOR_BAD_REQUEST')
  return input
}
