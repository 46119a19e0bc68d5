import { All, Controller, Inject } from '@midwayjs/core'
import type { Context } from '@midwayjs/koa'
import { handlers } from '../handlers'

@Controller('/')
export class HomeController {
  @Inject()
  ctx: Context

  @All('/:name')
  async handle() {
    await handlers[this.ctx.params.name]?.(this.ctx)
  }
}
