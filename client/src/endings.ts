import { readRefusal } from './refusal.js'
import { isObject, orUndefined, textOf } from './util.js'
import type { Header, Wx, WxResponse } from './wx.js'
import type { WxOptions } from './wx-options.js'

/** Sessions that have ended here, and that the server does not know of yet. */
export interface Endings {
  /** `header`: what names the session. It is stored before anything is sent. */
  add(header: Header): void
  /** Tells the server of each. Resolves when it was told, or could not be. */
  tell(): Promise<unknown>
}

/** Of those that nobody could be told of, the latest are kept. */
const MAX_ENDINGS = 5

/** ms */
const TIMEOUT = 3000

/** `request`: sends a request to the server. `isForeign`: whether that has sessions of its own, whose answers are its own. */
export function createEndings(
  wx: Wx,
  key: string,
  url: string | undefined,
  request: (options: WxOptions) => Promise<WxResponse>,
  isForeign: boolean,
): Endings {
  /** By their JSON: those to tell, and those that were told or are being told. */
  const endings = new Map<string, Header>()
  const told = new Set<string>()
  return { add, tell }

  function add(header: Header): void {
    read()
    endings.set(JSON.stringify(header), header)
    save()
  }

  async function tell(): Promise<unknown> {
    return url && Promise.all(read().map(tellOf))
  }

  async function tellOf([id, header]: [string, Header]): Promise<void> {
    if (told.has(id)) return
    told.add(id)
    try {
      await send(header)
      endings.delete(id)
      save()
    } catch {
      told.delete(id)
    }
  }

  /** What a gateway, a page or a server in trouble says is no answer. */
  async function send(header: Header): Promise<void> {
    const answer = await request({
      url: url as string,
      method: 'POST',
      header,
      session: 'none',
      redirect: 'manual',
      deadline: TIMEOUT,
    })
    const { status = 500 } = readRefusal(answer) || {}
    // A session that the server does not know has ended.
    const isTold = isForeign ? answer.statusCode < 500 : status < 429 || Object(answer.data).logout === 'done'
    if (!isTold) throw answer
  }

  /** The storage is shared with other copies of this client. Where it fails, memory has to do. */
  function read(): [string, Header][] {
    const found = orUndefined(() => wx.getStorageSync(key))
    for (const header of Array.isArray(found) ? found.filter(isHeader) : []) {
      const id = JSON.stringify(header)
      if (!told.has(id)) endings.set(id, header)
    }
    return [...endings]
  }

  function save(): void {
    const list = [...endings.values()].slice(-MAX_ENDINGS)
    orUndefined(() => (list[0] ? wx.setStorageSync(key, list) : wx.removeStorageSync(key)))
  }
}

function isHeader(value: unknown): value is Header {
  return isObject(value) && Object.values(value).every(textOf)
}
