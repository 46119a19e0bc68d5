import { once } from 'node:events'
import { watch } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Phone } from '../phone/phone.js'
import type { Wechat } from '../wechat.js'
import { type Asset, bundleMiniProgram, escapeHtml, readPage } from './bundle.js'
import { OpenError } from './errors.js'
import { readMedia } from './files.js'
import { openFolder } from './folder.js'
import { HEADERS, isForUs } from './guard.js'
import { createPhoneLines } from './lines.js'

/** Which mini program is opened, and where. */
export interface OpenOptions {
  /** The folder with its app.json. */
  folder: string
  /** Whose users its phones have. */
  wechat: Wechat
  /** On 127.0.0.1. Default 0: any free one. */
  port?: number
  /** As for `bundleMiniProgram()`. Default: none. */
  replace?: Record<string, string>
  /** Whether the page is loaded anew when a file changes. Default true. */
  watch?: boolean
  /** Called with each sentence on what is not simulated, or cannot be compiled after a change. Default: nobody. */
  log?(sentence: string): void
}

/** A mini program in a browser. */
export interface OpenedMiniProgram {
  /** Where it is: `?user=bob` is the phone of another user. */
  url: string
  /** Ends its server and its phones' calls. The WeChat stays. */
  close(): Promise<void>
}

/** ms: an editor writes several files at once. */
const SETTLE = 80

/**
 * Opens a mini program in a browser, on phones of a simulated WeChat, by WeChat's own framework: `npm install -D esbuild
 * glass-easel@0.12 glass-easel-miniprogram-adapter@0.12 glass-easel-template-compiler@0.12 ws`. It is compiled anew when a file
 * changes. Its requests leave from this process, so no CORS is in the way.
 *
 * @throws {OpenError} when its files cannot be read or compiled, or when the framework is not installed
 *
 * @example
 * const wechat = createWechat({ appId: 'wx-dev', appSecret: 'dev' })
 * const { url, close } = await openMiniProgram({ folder: 'miniprogram', wechat })
 */
export async function openMiniProgram({
  folder: path,
  wechat,
  port = 0,
  replace = {},
  watch: isWatched = true,
  log = () => {},
}: OpenOptions): Promise<OpenedMiniProgram> {
  const folder = await openFolder(path)
  const phones = new Map<string, Phone>()
  const lines = createPhoneLines({ phone: phoneOf })
  const pages = new Set<ServerResponse>()
  const shell = await Promise.all(['open.html', 'open.css', 'open.js'].map(readPage))
  let assets = await compile()

  const server = createServer((request, response) => {
    if (!isForUs(request))
      return void send(response, 403, 'text/plain', 'This server is for pages of its own.\n')
    answer(request, response).catch((error) => {
      log(String(error))
      send(response, 500, 'text/plain', 'Something went wrong: see where it was started.\n')
    })
  })
  server.on('upgrade', (request, socket, head) => {
    const isLine = request.url?.startsWith('/phone/line')
    if (isLine && isForUs(request) && request.headers.origin) lines.connect(request, socket, head)
    else socket.destroy()
  })
  await listen(server, port)
  const stopWatching = isWatched ? watchFolder(folder.root, refresh, log) : () => {}

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      stopWatching()
      lines.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  function phoneOf(user: string): Phone | undefined {
    if (!/^[\p{L}\p{N} _.-]{1,40}$/u.test(user)) return undefined
    const phone = phones.get(user) ?? wechat.phone(user)
    phones.set(user, phone)
    return phone
  }

  async function compile(): Promise<Map<string, Asset>> {
    const { assets, notices } = await bundleMiniProgram({ folder: folder.root, appId: wechat.appId, replace })
    for (const notice of notices) log(notice)
    return assets
  }

  /** A mistake while one writes is shown on the page, until it is mended. */
  async function refresh(): Promise<void> {
    assets = await compile().catch((error) => {
      if (!(error instanceof OpenError)) throw error
      log(error.message)
      return new Map([...assets, ['/phone', mistakePage(error)]])
    })
    for (const page of pages) page.write('data: reload\n\n')
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const asset = assets.get(pathname)
    const own = ['/', '/open.css', '/open.js'].indexOf(pathname)
    if (request.method !== 'GET') return send(response, 405, 'text/plain', 'Only GET.\n')
    if (asset) return send(response, 200, asset.type, asset.text)
    if (own >= 0) return send(response, 200, OWN_TYPES[own] ?? '', shell[own] ?? '')
    if (pathname === '/changes') return tellChanges(response)
    const media = pathname.startsWith('/files/')
      ? await readMedia(folder, decode(pathname.slice(7)))
      : undefined
    if (media) return send(response, 200, media.type, media.body)
    send(response, 404, 'text/plain', 'There is no such file.\n')
  }

  function tellChanges(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' }).write(':\n\n')
    pages.add(response)
    response.on('close', () => pages.delete(response))
  }
}

const OWN_TYPES = ['text/html', 'text/css', 'text/javascript']

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  if (response.headersSent) return void response.destroy()
  const isText = typeof body === 'string'
  response
    .writeHead(status, { ...HEADERS, 'Content-Type': isText ? `${type}; charset=utf-8` : type })
    .end(body)
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function watchFolder(
  root: string,
  onChange: () => Promise<void>,
  log: (sentence: string) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(root, { recursive: true }, () => {
    clearTimeout(timer)
    timer = setTimeout(() => onChange().catch((error) => log(String(error))), SETTLE)
  })
  // Of a machine that watches too much already, say.
  watcher.on('error', (error) => log(`Changes are no longer seen: ${error.message}`))
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}

function mistakePage({ message }: OpenError): Asset {
  const head = '<meta charset="utf-8"><title>Not compiled</title><link rel="stylesheet" href="/phone.css">'
  const text = `<main class="mistake"><h1>Not compiled · 编译失败</h1><pre>${escapeHtml(message)}</pre></main>`
  return {
    type: 'text/html',
    text: `<!doctype html><html lang="zh-CN"><head>${head}</head><body>${text}</body></html>`,
  }
}
