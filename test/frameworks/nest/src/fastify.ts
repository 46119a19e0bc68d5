// src/main.ts
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { weappSession } from 'koa-weapp-session'
import { fastifyBridge } from 'koa-weapp-session/bridge'
import { AppModule } from './app.module'
import { options } from './weapp'
import { WeappFilter } from './weapp.filter'

async function main() {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())
  await app.register(fastifyBridge(weappSession(options)))
  app.useGlobalFilters(new WeappFilter(app.getHttpAdapter()))
  await app.listen(Number(process.env.PORT), '127.0.0.1')
}

main()
