import type { Middleware } from 'koa'
import { PHONE_HEADER } from '../protocol.js'

/** The credential that each phone has shown or been given last: which header it is in, and what it is. */
export interface Credentials {
  watch: Middleware
  of(phone: string): readonly [name: string, value: string] | undefined
}

const NAMES = ['Weapp-Session', 'Weapp-Code'] as const

export function createCredentials(): Credentials {
  const latest = new Map<string, readonly [string, string]>()

  return {
    of: (phone) => latest.get(phone),
    async watch(ctx, next) {
      const phone = ctx.get(PHONE_HEADER)
      ctx.res.once('finish', () => {
        if (!phone || ctx.res.statusCode !== 200) return
        // The middleware writes its headers last: they are read where they went out.
        const given = ctx.res.getHeader('Weapp-Session')
        const found = NAMES.map((name) => [name, ctx.get(name)] as const).find(([, value]) => value)
        const credential = given === undefined ? found : (['Weapp-Session', String(given)] as const)
        if (credential) latest.set(phone, credential)
      })
      await next()
    },
  }
}
