import type { Context } from 'koa'
import { headerNames, PREFIX_2016 } from './protocol.js'

/** WeChat sets `https://servicewechat.com/{appId}/{version}/page-frame.html`. No program can change it, but its gateway may. */
const REFERER = /^https:\/\/servicewechat\.com\/([^/]+)\//

/** Which mini program a request is of, where the options do not say how to tell. */
export function appIdReader(prefix: string): (ctx: Context) => string | undefined {
  // 云托管 sets X-WX-AppId itself, so the other one counts.
  const [own, of2016] = [prefix, PREFIX_2016].map((each) => headerNames(each).appId) as [string, string]
  return (ctx) => ctx.get(own) || ctx.get(of2016) || REFERER.exec(ctx.get('Referer'))?.[1]
}
