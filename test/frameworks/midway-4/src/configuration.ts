// src/configuration.ts
import { App, CommonJSFileDetector, Configuration } from '@midwayjs/core'
import * as koa from '@midwayjs/koa'
import { weappSession } from 'koa-weapp-session'
import config from './config/config.default'
import { NotFoundFilter } from './filter/not-found.filter'
import { options } from './weapp'

const session = weappSession(options)

@Configuration({
  imports: [koa],
  importConfigs: [{ default: config }],
  detector: new CommonJSFileDetector(),
})
export class MainConfiguration {
  @App('koa')
  app: koa.Application

  async onReady() {
    this.app.useMiddleware(session)
    this.app.useFilter(NotFoundFilter)
  }

  async onStop() {
    await session.close()
  }
}
