/** Packages that examples use and this project does not have. */
declare module '@koa/cors' {
  export default function cors(options: {
    origin?: string
    credentials?: boolean
    exposeHeaders?: string[] | string
  }): import('koa').Middleware
}
