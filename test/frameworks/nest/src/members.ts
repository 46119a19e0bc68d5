// src/members.ts
import { type CanActivate, Controller, type ExecutionContext, Get, Req, UseGuards } from '@nestjs/common'
import { WeappSessionError } from 'koa-weapp-session'
import { wxUser } from 'koa-weapp-session/bridge'

export class WxUserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (wxUser(context.switchToHttp().getRequest())) return true
    throw new WeappSessionError('ERR_LOGIN_REQUIRED')
  }
}

@Controller('members')
@UseGuards(WxUserGuard)
export class MembersController {
  @Get()
  me(@Req() request: object) {
    return { user: wxUser(request) }
  }
}
