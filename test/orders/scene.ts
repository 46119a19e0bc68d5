import { createIds } from '../../src/crypto/ids.js'
import { newCode } from '../support/wechat.js'
import type { Answer } from './call.js'
import { PREFIX, type Server, type Setting, TTL, type World } from './world.js'

/** What a request does. */
export type Deed =
  | 'login'
  | 'login by another code'
  | 'write'
  | 'rotate'
  | 'logout'
  | 'revoke'
  | 'renewal'
  | 'guest write'
  | 'guest rotate'
  | 'guest login'
  | 'guest login again'

/** Of the user's device: they need its session. */
const OF_DEVICE = new Set<Deed>(['write', 'rotate', 'logout', 'renewal'])
const OF_GUEST = new Set<Deed>(['guest write', 'guest rotate', 'guest login', 'guest login again'])
export const LOGINS: ReadonlySet<Deed> = new Set<Deed>([
  'login',
  'login by another code',
  'guest login',
  'guest login again',
])

export type Pair = readonly [Deed, Deed]

/** What an order begins with: one user, and what their devices hold. */
export interface Scene {
  setting: Setting
  openId: string
  user: string
  /** What the device holds whose session the requests are about. */
  device: string | undefined
  /** Another device of the same user, which no request is about. */
  other: string
  guest: string | undefined
  /** Keys in words. */
  labels: Map<string, string>
  headers(credential: string): Record<string, string>
  /** Which code a login sends. */
  codeOf(deed: Deed, name: string): string
  keyOfCode(code: string): string
  send(server: Server, deed: Deed, name: string): Promise<Answer>
}

export async function scene(world: World, setting: Setting, pair: Pair): Promise<Scene> {
  const { wechat, client } = world
  await client.flushDb()
  world.exchanges.clear()
  const phone = wechat.phone()
  const has = (deeds: Set<Deed>) => pair.some((deed) => deeds.has(deed))
  const early = world.home(setting, TTL / 2)
  const late = world.home(setting, TTL * 0.75)
  const [ofDevice, ofOther] = setting.isOtherFirst ? [late, early] : [early, late]

  const ids = createIds(wechat.appId, wechat.appSecret, setting.carrier)
  const labels = new Map<string, string>()
  const label = (id: string, words: string) => void labels.set(`${PREFIX}s:${id}`, words)
  // A phone takes a moment for each.
  const unused = await Promise.all([1, 2, 3, 4].map(() => newCode(phone)))
  const code = (words: string) => {
    const fresh = unused.pop() ?? ''
    const isCredential = setting.carrier === 'code'
    if (!isCredential) label(ids.code(fresh), words)
    label(ids.session(isCredential ? fresh : ids.credential(fresh)), `session of ${words}`)
    return fresh
  }
  const logIn = async (server: Server, words: string) => {
    const sent = code(words)
    const { credential = sent, status, body } = await server.get('/', login(sent))
    if (status !== 200) throw new Error(`the login of ${words} was answered ${status}`)
    return { credential, openId: body.user?.openId ?? '' }
  }

  const device = has(OF_DEVICE) ? (await logIn(ofDevice, 'the device')).credential : undefined
  const { credential: other, openId } = await logIn(ofOther, 'the other device')
  const guest = has(OF_GUEST) ? (await early.get('/write/begun', {})).credential : undefined
  if (guest) {
    const id = ids.session(guest.split('.')[0] ?? '')
    label(id, 'session of the guest')
    labels.set(`${PREFIX}u:${ids.owner(null, id)}`, 'list of the guest')
  }
  const user = ids.user(openId)
  labels.set(`${PREFIX}u:${user}`, 'list of the user')
  const codes = { first: code('code 1'), second: code('code 2') }

  const headers = (credential: string): Record<string, string> =>
    setting.carrier === 'code' ? { 'X-WX-Code': credential } : { 'X-WX-Session': credential }
  const codeOf = (deed: Deed, name: string) => {
    if (deed === 'login' || deed === 'guest login again') return codes.first
    if (deed === 'login by another code') return codes.second
    return name === 'A' ? codes.first : codes.second
  }

  return {
    setting,
    openId,
    user,
    device,
    other,
    guest,
    labels,
    headers,
    codeOf,
    keyOfCode: (sent) => `${PREFIX}s:${setting.carrier === 'code' ? ids.session(sent) : ids.code(sent)}`,

    async send(server, deed, name) {
      const asDevice = headers(device ?? '')
      const asGuest = headers(guest ?? '')
      if (deed === 'revoke') return revoke(server, openId)
      if (deed === 'write') return server.get(`/write/${name}`, asDevice)
      if (deed === 'guest write') return server.get(`/write/${name}`, asGuest)
      if (deed === 'rotate' || deed === 'logout') return server.get(`/${deed}`, asDevice)
      if (deed === 'guest rotate') return server.get('/rotate', asGuest)
      if (deed === 'renewal') return server.get('/', asDevice)
      const withGuest = deed === 'guest login' || deed === 'guest login again'
      return server.get('/', { ...login(codeOf(deed, name)), ...(withGuest && asGuest) })
    },
  }
}

function login(code: string): Record<string, string> {
  return { 'X-WX-Code': code, 'X-WX-Login': 'code' }
}

/** A revocation is no request: it is answered as one, so that all is looked at alike. */
async function revoke({ session }: Server, openId: string): Promise<Answer> {
  const said = { credential: undefined, body: {} }
  try {
    await session.revoke(openId)
    return { ...said, status: 200, reason: undefined }
  } catch (error) {
    const { status, reason } = error as { status: number; reason: string }
    return { ...said, status, reason }
  }
}
