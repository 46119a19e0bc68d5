/** Guests: a client that keeps what it is given, and cannot log in. What it is told must be what happened. */
import fc from 'fast-check'
import { WAYS, type Way, type World } from './world.js'

export type Visit = { deed: 'look' | 'write'; way: Way }

export const visits: fc.Arbitrary<Visit[]> = fc.array(
  fc.record({ deed: fc.constantFrom('look' as const, 'write' as const), way: fc.constantFrom(...WAYS) }),
  { minLength: 1, maxLength: 6 },
)

/** Ways whose headers are written before a guest's data can be saved: a first write is lost, and the server says so. */
const BEFORE_SAVING = new Set<Way>(['raw'])
const UNSAVED = new Set<Way>(['throw', '404', 'page'])

export async function browse(world: World, list: Visit[]): Promise<string | undefined> {
  let kept: Record<string, string> = {}
  let writes = 0

  for (const [index, { deed, way }] of list.entries()) {
    const hadSession = Object.keys(kept).length > 0
    await visit(`/do?deed=${deed}&way=${way}`)
    const isSaved = !UNSAVED.has(way) && (hadSession || !BEFORE_SAVING.has(way))
    if (deed === 'write' && isSaved) writes++
    const isTold = Object.keys(kept).length > 0
    if (isTold !== (hadSession || (deed === 'write' && isSaved)))
      return `after visit ${index}: ${isTold ? 'a session that nothing began' : 'a session that nobody was told of'}`
    const seen = (await (await visit('/who')).json()) as { user: null; data?: { writes?: number } }
    if ((seen.data?.writes ?? 0) !== writes)
      return `after visit ${index}: ${seen.data?.writes ?? 0} writes are there, of ${writes}`
  }
  return undefined

  async function visit(path: string): Promise<Response> {
    const response = await fetch(world.url + path, { headers: kept, redirect: 'manual' })
    const session = response.headers.get('Weapp-Session')
    const cookie = response.headers.getSetCookie().find((line) => line.startsWith('wx-session='))
    if (session) kept = { 'Weapp-Session': session }
    if (cookie) kept = /Max-Age=0/.test(cookie) ? {} : { Cookie: cookie.split(';')[0] as string }
    return response
  }
}
