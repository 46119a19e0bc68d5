import { Catch, httpError } from '@midwayjs/core'
import type { Context } from '@midwayjs/koa'

/** Answers what Midway calls not found, in the place of its own error handler. */
@Catch(httpError.NotFoundError)
export class NotFoundFilter {
  catch(_error: Error, ctx: Context): object {
    ctx.status = 404
    return { filtered: true }
  }
}
