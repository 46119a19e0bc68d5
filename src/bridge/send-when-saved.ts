import type { ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { type HeldAnswer, holdAnswer } from './held-answer.js'
import { textOf, type Visit } from './visit.js'

/** An answer that goes out when the data is saved. */
export interface SavedAnswer {
  readonly held: HeldAnswer
  /** Resolves when it is out, or another one in its place. */
  readonly isOut: Promise<void>
}

/**
 * Holds what the handlers of a visit write to its response until what they have changed is saved. A refusal goes out in its
 * place. For all else that fails, `fail` makes an answer: to a response that has no headers, and that nobody writes to.
 */
export function sendWhenSaved(visit: Visit, fail: (error: unknown) => void): SavedAnswer {
  const { res } = visit.ctx
  const held = holdAnswer(res)

  async function send(): Promise<void> {
    const status = await held.begun
    try {
      if (await visit.finish(status)) held.replace((end) => write(visit, end))
      else held.release()
    } catch (error) {
      if (!res.headersSent) for (const name of res.getHeaderNames()) res.removeHeader(name)
      held.forget()
      fail(error)
    }
  }

  return { held, isOut: send() }
}

/** Sends the answer that the context of a visit has: a refusal, or that of `loginPath` or `logoutPath`. */
export function sendOwn(visit: Visit): void {
  const { res, app } = visit.ctx
  if (!res.headersSent) {
    write(visit, (text) => void res.end(text))
    return
  }
  // What has begun before the bridge is no answer to this: the client must not take it for one.
  if (res.writableEnded) return
  cut(res)
  app.emit('error', new Error(HAS_BEGUN), visit.ctx)
}

function cut(response: ServerResponse): void {
  const { stream } = response as { stream?: ServerHttp2Stream }
  // Without an error, a stream that is destroyed ends as others do.
  if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  else response.destroy()
}

/** Koa has put the status and the headers in already. */
function write({ ctx }: Visit, end: (text?: string) => void): void {
  const text = textOf(ctx)
  if (text !== undefined) ctx.set('Content-Length', String(Buffer.byteLength(text)))
  end(ctx.method === 'HEAD' ? undefined : text)
}

const HAS_BEGUN =
  'koa-weapp-session: something before the bridge has begun to answer, so a refusal could not be told: the connection was cut'
