import Router from '@koa/router'
import type { Context } from 'koa'
import { requireWxUser } from 'koa-weapp-session'
import { succeed } from './answers.js'
import { readObject } from './body.js'
import { within } from './deadline.js'
import { cursorAfter, type DrawingStore, placeOf } from './drawings.js'
import { DrawingError } from './errors.js'
import { serialiseStrokes } from './strokes.js'

/** ms for one call of the store, which has deadlines of its own: this is for a disk that hangs. */
const PATIENCE = 5000

const LIMIT = { default: 20, max: 100 }

/**
 * The drawings of the user who asks:
 *
 *   GET  /applet/session/paints/list?before=…&limit=…   `[{ id, actions }]`, the newest first; `X-Next-Cursor` has
 *                                                       the `before` of the next page, when there is one
 *   POST /applet/session/paints/save                    `{ id, actions }`; over the one of the same id
 *   POST /applet/session/paints/delete                  `{ id }`
 */
export function paints(drawings: DrawingStore): Router {
  const router = new Router({ prefix: '/applet/session/paints' })
  router.use(requireWxUser())

  router.get('/list', async (ctx) => {
    const page = { before: readBefore(ctx), limit: readLimit(ctx) }
    const { drawings: found, next } = await ask(drawings.list(openIdOf(ctx), page))
    // Not in the body: the original app expects the array.
    if (next) ctx.set('X-Next-Cursor', next)
    succeed(
      ctx,
      found.map(({ id, actions }) => ({ id, actions })),
    )
  })

  router.post('/save', async (ctx) => {
    const { id, actions } = await readObject(ctx)
    await ask(drawings.save(openIdOf(ctx), { id: checkedId(id), actions: serialiseStrokes(actions) }))
    succeed(ctx, { id })
  })

  router.post('/delete', async (ctx) => {
    const { id } = await readObject(ctx)
    const wasThere = await ask(drawings.remove(openIdOf(ctx), checkedId(id)))
    if (!wasThere) throw new DrawingError('ERR_DRAWING_NOT_FOUND', 'You have no drawing with this id.')
    succeed(ctx, { id })
  })

  return router
}

/** WeChat's word for who asks. Nothing else says whose drawings they are. */
function openIdOf({ $wxUserInfo }: Context): string {
  if (!$wxUserInfo) throw new Error('requireWxUser() has to go before this')
  return $wxUserInfo.openId
}

function checkedId(id: unknown): string {
  if (typeof id === 'string' && /^[\w-]{1,64}$/.test(id)) return id
  throw new DrawingError('ERR_DRAWING_INVALID', 'id must have 1 to 64 letters, digits, _ or -.')
}

function readBefore({ query: { before } }: Context): string | undefined {
  if (before === undefined) return undefined
  const place = typeof before === 'string' ? placeOf(before) : undefined
  if (!place) throw new DrawingError('ERR_QUERY_INVALID', 'before must be an X-Next-Cursor of this server.')
  return cursorAfter(place)
}

function readLimit({ query: { limit = `${LIMIT.default}` } }: Context): number {
  if (typeof limit === 'string' && /^[1-9]\d{0,5}$/.test(limit)) return Math.min(Number(limit), LIMIT.max)
  throw new DrawingError('ERR_QUERY_INVALID', `limit must be a number from 1 to ${LIMIT.max}.`)
}

/** Whatever a store fails with, the drawing may be saved in a moment: nothing is lost that the client keeps. */
async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await within(PATIENCE, 'the drawing store', answer)
  } catch (cause) {
    if (cause instanceof DrawingError) throw cause
    throw new DrawingError('ERR_DRAWINGS_UNAVAILABLE', 'Drawings cannot be read or saved right now.', {
      cause,
    })
  }
}
