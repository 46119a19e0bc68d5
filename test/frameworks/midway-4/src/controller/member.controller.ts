// src/controller/member.controller.ts
import { Controller, Get, Inject } from '@midwayjs/core'
import type { Context } from '@midwayjs/koa'
import { requireWxUser } from 'koa-weapp-session'

@Controller('/members')
export class MemberController {
  @Inject()
  ctx: Context

  @Get('/', { middleware: [requireWxUser()] })
  me() {
    return { user: this.ctx.$wxUserInfo }
  }
}
