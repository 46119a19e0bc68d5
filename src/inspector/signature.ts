import type { InspectedApp, Inspection } from '../inspection.js'
import { parseObject } from '../util/json.js'
import { signedDataOf } from './decode.js'
import type { People } from './people.js'
import type { SignatureView } from './protocol.js'
import type { Trace } from './trace.js'

type Compared = Extract<Inspection, { kind: 'signature' }>

/** Characters of a SHA-1 that are shown: whoever has all of it can sign in the user's name. */
const SHOWN = 10

/**
 * rawData beside what WeChat signed. Where they differ, it looks for what was signed: among the texts of this user that the
 * signature fits exactly, then the last of those, then what the store knows of the user.
 */
export async function compareSignature(
  trace: Trace,
  compared: Compared,
  people: People,
): Promise<SignatureView | undefined> {
  const { app, headers } = trace
  const { isGood, expected, openId, fits } = compared
  const sent = signedDataOf(headers, trace.body()?.bytes.toString('utf8'), app?.prefix ?? '')
  if (!sent) return undefined
  const view: SignatureView = { isGood, given: cut(sent.signature), expected: cut(expected) }
  if (openId === undefined) return view
  if (isGood) {
    people.signed(openId, sent.rawData)
    return view
  }

  const texts = people.textsOf(openId)
  const signed = texts.find(fits)
  if (signed !== undefined)
    return { ...view, against: 'signed', differences: differences(signed, sent.rawData) }
  const [last] = texts
  if (last !== undefined) return { ...view, against: 'last', differences: differences(last, sent.rawData) }
  const stored = app && (await storedProfile(app, openId))
  return stored ? { ...view, against: 'stored', differences: differences(stored, sent.rawData) } : view
}

/** Which fields are not the same. Text that is no JSON is one field. */
function differences(there: string, here: string): [string, string, string][] {
  const [before, after] = [parseObject(there), parseObject(here)]
  if (!before || !after) return [['rawData', there, here]]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter((name) => printed(before[name]) !== printed(after[name]))
  // The same fields, printed in another way: a space, or another order, is enough.
  if (changed.length === 0) return [['rawData', there, here]]
  return changed.map((name) => [name, printed(before[name]), printed(after[name])])
}

function printed(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

async function storedProfile(app: InspectedApp, openId: string): Promise<string | undefined> {
  const sessions = await app.sessionsOf(openId).catch(() => [])
  const user = sessions.find(({ record }) => record.user)?.record.user
  if (!user) return undefined
  const { appId: _, openId: __, unionId: ___, ...profile } = { ...user } as Record<string, unknown>
  return JSON.stringify(profile)
}

function cut(hex: string): string {
  return `${hex.slice(0, SHOWN)}…`
}
