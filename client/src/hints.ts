import { programOf } from './storage.js'
import { isSecureUrl } from './urls.js'
import type { Wx } from './wx.js'

/** What was said, and for which bases there are sessions in this program. */
const known = new Set<string>()

/** Hears what `wx` says: the code of a login, or why a call to a URL has failed. */
export type Hint = (said: { code?: string; errMsg?: string }, url?: string) => void

/** Tells a developer, once and on the console, what a phone does not say. */
export function createHint(wx: Wx, base: string | undefined): Hint | undefined {
  if (programOf(wx).envVersion !== 'develop') return undefined
  if (base && known.has(base)) warn(`a second createSession for ${base}: share the first`)
  known.add(`${base}`)
  if (base && !isSecureUrl(base)) warn(`phones want https: ${base}`)

  return ({ code, errMsg }, url) => {
    if (/ mock /.test(`${code}`)) warn('tourist mode: put an AppID into project.config.json')
    if (/domain list/.test(`${errMsg}`)) warn(`${url} is not in 服务器域名 (mp.weixin.qq.com, 开发管理)`)
  }
}

function warn(text: string): void {
  if (!known.has(text)) console.warn(`weapp-session-client: ${text}`)
  known.add(text)
}
