import { programOf } from './storage.js'
import { isSecureUrl } from './urls.js'
import type { Wx } from './wx.js'

/** Hears the codes of logins, and what `wx` says when a request to a URL fails. */
export type Hint = (said: string, url?: string) => void

/** What was said, and for which keys there are sessions in this program. */
const known = new Set<string>()

/** Tells a developer, once and on the console, what a phone does not say. */
export function createHint(wx: Wx, key: string, base: string | undefined): Hint {
  if (programOf(wx).envVersion !== 'develop') return () => {}
  if (known.has(key)) warn(`a second createSession for ${base}: share the first`)
  known.add(key)
  if (base && !isSecureUrl(base)) warn(`phones want https: ${base}`)

  return (said, url) => {
    if (/ mock /.test(said)) warn('tourist mode: put an AppID into project.config.json')
    if (/domain list/.test(said)) warn(`${url} is not in 服务器域名 (mp.weixin.qq.com, 开发管理)`)
  }
}

function warn(text: string): void {
  if (!known.has(text)) console.warn(`weapp-session-client: ${text}`)
  known.add(text)
}
