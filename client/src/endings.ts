import { isObject, orUndefined, textOf } from './util.js'
import type { Header, Wx } from './wx.js'

/** Sessions that have ended here, and that the server does not know of yet. */
export interface Endings {
  /** `header`: what names the session. It is stored before anything is sent. */
  add(header: Header): void
  /** Tells the server of each. Resolves when it was told, or cannot be reached: then the next call goes on. */
  tell(): Promise<unknown>
}

/** Of those that nobody could be told of, the latest are kept. */
const MAX_ENDINGS = 5

/** `send`: rejects where the server was not told. */
export function createEndings(wx: Wx, key: string, send: (header: Header) => Promise<unknown>): Endings {
  let endings: Header[] = []
  let telling: Promise<unknown> = Promise.resolve()
  return { add, tell }

  function add(header: Header): void {
    update([...stored(), header].slice(-MAX_ENDINGS))
  }

  function tell(): Promise<unknown> {
    telling = telling.then(tellAll).catch(() => {})
    return telling
  }

  async function tellAll(): Promise<void> {
    for (const header of stored()) {
      await send(header)
      update(stored().filter((one) => JSON.stringify(one) !== JSON.stringify(header)))
    }
  }

  /** The storage is shared with other copies of this client. Where it fails, memory has to do. */
  function stored(): Header[] {
    const found = orUndefined(() => wx.getStorageSync(key))
    if (Array.isArray(found)) endings = found.filter(isHeader)
    return endings
  }

  function update(list: Header[]): void {
    endings = list
    orUndefined(() => (list[0] ? wx.setStorageSync(key, list) : wx.removeStorageSync(key)))
  }
}

function isHeader(value: unknown): value is Header {
  return isObject(value) && Object.values(value).every(textOf)
}
