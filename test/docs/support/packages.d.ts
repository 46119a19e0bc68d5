/** Packages that examples use and this project does not have. */
declare module '@koa/cors' {
  export default function cors(options: {
    origin?: string
    credentials?: boolean
    exposeHeaders?: string[] | string
  }): import('koa').Middleware
}

declare module 'koa-redis' {
  export default function koaRedis(options: { host: string }): {
    get(key: string): Promise<object | null>
    set(key: string, entry: object, maxAge?: number): Promise<string | undefined>
    destroy(key: string): Promise<number>
  }
}
