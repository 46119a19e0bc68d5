import Router from '@koa/router'
import Koa from 'koa'
import { type Entry, type Experiment, type Message, type Situation, USERS } from '../protocol.js'
import type { Asset } from './bundle.js'
import type { Experiments } from './experiments.js'
import { HEADERS } from './guard.js'
import type { Recorder } from './recorder.js'

export interface SiteOptions {
  assets: Map<string, Asset>
  recorder: Recorder
  experiments: Experiments
  situation(): Promise<Situation>
}

const EXPERIMENTS: Experiment[] = [
  'expire',
  'revoke',
  'tamper',
  'reuse',
  'forge',
  'wechat',
  'store',
  'network',
  'carrier',
]

/** The pages, what they are told (server-sent events), and what their buttons do. */
export function createSite({ assets, recorder, experiments, situation }: SiteOptions): Koa {
  const router = new Router()
  router.get('/inspector/events', (ctx) => {
    const { res } = ctx
    // It does not end: Koa leaves it alone.
    ctx.respond = false
    const send = (message: Message) => res.write(`data: ${JSON.stringify(message)}\n\n`)
    const sendSituation = async () => send({ situation: await situation() })

    res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (const entry of recorder.entries()) send({ entry })
    void sendSituation()
    const stop = recorder.onEntry((entry) => {
      send({ entry })
      if (isOver(entry)) void sendSituation()
    })
    res.on('close', stop)
  })

  router.post('/inspector/experiments/:experiment/:user', async (ctx) => {
    const { experiment, user } = ctx.params
    const known = EXPERIMENTS.find((known) => known === experiment)
    const whose = USERS.find((known) => known === user)
    if (!known || !whose) return
    await experiments.run(known, whose)
    ctx.body = await situation()
  })

  const site = new Koa()
  site.on('error', (error: NodeJS.ErrnoException) => {
    // A page that was closed while it was told something.
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') console.error(error)
  })
  site.use(async (ctx, next) => {
    ctx.set(HEADERS)
    const asset = assets.get(ctx.path)
    if (asset) {
      ctx.type = asset.type
      ctx.body = asset.text
    } else await next()
  })
  site.use(router.routes())
  return site
}

function isOver(entry: Entry): boolean {
  return entry.type === 'event' || entry.response !== undefined
}
