// src/weapp.filter.ts
import { type ArgumentsHost, Catch } from '@nestjs/common'
import { BaseExceptionFilter } from '@nestjs/core'
import { WeappSessionError } from 'koa-weapp-session'
import { handlerFailed } from 'koa-weapp-session/bridge'

@Catch()
export class WeappFilter extends BaseExceptionFilter {
  catch(error: unknown, host: ArgumentsHost) {
    const http = host.switchToHttp()
    handlerFailed(http.getRequest(), error)
    if (!(error instanceof WeappSessionError)) return super.catch(error, host)
    // As the middleware answers: clients read the reason.
    this.applicationRef?.reply(http.getResponse(), error.toJSON(), error.status)
  }
}
