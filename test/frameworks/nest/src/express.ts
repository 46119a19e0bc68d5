// src/main.ts
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { weappSession } from 'koa-weapp-session'
import { nodeBridge } from 'koa-weapp-session/bridge'
import { AppModule } from './app.module'
import { options } from './weapp'
import { WeappFilter } from './weapp.filter'

async function main() {
  const app = await NestFactory.create(AppModule)
  app.use(nodeBridge(weappSession(options)))
  app.useGlobalFilters(new WeappFilter(app.getHttpAdapter()))
  await app.listen(Number(process.env.PORT), '127.0.0.1')
}

main()
