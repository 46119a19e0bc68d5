import Router from '@koa/router'
import Koa from 'koa'
import { EXPERIMENTS, type Situation, USERS } from '../protocol.js'
import type { Asset } from './bundle.js'
import type { Experiments } from './experiments.js'
import { HEADERS } from './guard.js'

export interface SiteOptions {
  assets: Map<string, Asset>
  experiments: Experiments
  situation(): Situation
}

/** The pages, and what the buttons beside the phones do. All else is shown, and done, by the inspector of the app. */
export function createSite({ assets, experiments, situation }: SiteOptions): Koa {
  const router = new Router()
  router.get('/demo/situation', (ctx) => {
    ctx.body = situation()
  })

  router.post('/demo/experiments/:experiment/:user', async (ctx) => {
    const { experiment, user } = ctx.params
    const known = EXPERIMENTS.find((known) => known === experiment)
    const whose = USERS.find((known) => known === user)
    if (!known || !whose) return
    const outcome = await experiments.run(known, whose)
    ctx.body = { ...situation(), ...outcome }
  })

  const site = new Koa()
  site.on('error', (error: NodeJS.ErrnoException) => {
    // A page that was closed while it was sent.
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
