import { parseArgs } from 'node:util'

export type Lang = 'zh' | 'en'

/** What the command was asked for. */
export interface CommandOptions {
  port: number
  appId?: string
  appSecret?: string
  unionIds: boolean
  state?: string
  open?: string
  strict: boolean
  tourist: boolean
  tls: boolean
  tlsFolder?: string
  help: boolean
  version: boolean
}

/** What is wrong with the arguments: a text of texts.ts, and what it is about. */
export type OptionFault =
  | { kind: 'unknown'; option: string; meant: string | undefined }
  | { kind: 'argument'; argument: string }
  | { kind: 'needsValue' | 'takesNoValue'; option: string }
  | { kind: 'notAPort' | 'notALang'; value: string }

/**
 * Each option with what stands for its value in the help, if it has one; what it does says texts.ts. A further option
 * begins with a row here.
 */
export const OPTIONS: Readonly<Record<OptionName, { value?: string; short?: string }>> = {
  port: { value: '<n>', short: 'p' },
  'app-id': { value: '<id>' },
  'app-secret': { value: '<secret>' },
  'union-ids': {},
  state: { value: '<file>' },
  open: { value: '<folder>' },
  strict: {},
  tourist: {},
  tls: {},
  'tls-folder': { value: '<folder>' },
  lang: { value: 'zh|en' },
  help: { short: 'h' },
  version: { short: 'v' },
}

export type OptionName =
  | 'port'
  | 'app-id'
  | 'app-secret'
  | 'union-ids'
  | 'state'
  | 'open'
  | 'strict'
  | 'tourist'
  | 'tls'
  | 'tls-folder'
  | 'lang'
  | 'help'
  | 'version'

const DEFAULT_PORT = 4000

/** Reads the arguments of the command. The first thing that is wrong is the fault. */
export function readOptions(args: string[]): CommandOptions | OptionFault {
  const given = new Map<OptionName, string>()
  // Node's own complaints are long, and English alone.
  const { tokens } = parseArgs({
    args,
    options: declared(),
    strict: false,
    tokens: true,
    allowPositionals: true,
  })
  for (const token of tokens) {
    if (token.kind === 'positional') return { kind: 'argument', argument: token.value }
    if (token.kind !== 'option') continue
    const { name, rawName: option, value } = token
    if (!isOption(name)) return { kind: 'unknown', option, meant: nearest(name) }
    if (OPTIONS[name].value !== undefined) {
      // `--state --tls`: a value was forgotten.
      if (!value || value.startsWith('--')) return { kind: 'needsValue', option }
    } else if (value !== undefined) return { kind: 'takesNoValue', option }
    given.set(name, value ?? '')
  }

  const port = given.get('port') ?? `${DEFAULT_PORT}`
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return { kind: 'notAPort', value: port }
  const lang = given.get('lang')
  if (lang !== undefined && lang !== 'zh' && lang !== 'en') return { kind: 'notALang', value: lang }
  const [appId, appSecret] = [given.get('app-id'), given.get('app-secret')]
  const [state, open, tlsFolder] = [given.get('state'), given.get('open'), given.get('tls-folder')]
  return {
    port: Number(port),
    ...(appId !== undefined && { appId }),
    ...(appSecret !== undefined && { appSecret }),
    ...(state !== undefined && { state }),
    ...(open !== undefined && { open }),
    ...(tlsFolder !== undefined && { tlsFolder }),
    unionIds: given.has('union-ids'),
    strict: given.has('strict'),
    tourist: given.has('tourist'),
    tls: given.has('tls') || tlsFolder !== undefined,
    help: given.has('help'),
    version: given.has('version'),
  }
}

/** The language that was asked for, else that of the shell; also when something else is wrong with the arguments. */
export function langOf(args: string[], env: NodeJS.ProcessEnv): Lang {
  const asked = args.find((arg, i) => arg.startsWith('--lang=') || args[i - 1] === '--lang')
  const wanted = asked?.replace('--lang=', '')
  if (wanted === 'zh' || wanted === 'en') return wanted
  const { LC_ALL, LC_MESSAGES, LANG } = env
  return /^zh/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'zh' : 'en'
}

function declared() {
  return Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { value, short }]) => {
      const type = value === undefined ? ('boolean' as const) : ('string' as const)
      return [name, { type, ...(short !== undefined && { short }) }]
    }),
  )
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name)
}

/** The option whose name differs least, when it is not another word altogether. */
function nearest(name: string): string | undefined {
  const distances = Object.keys(OPTIONS).map((option) => ({ option, distance: distance(name, option) }))
  const [best] = distances.sort((a, b) => a.distance - b.distance)
  return best && best.distance <= 2 ? `--${best.option}` : undefined
}

/** How many letters have to change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] ?? 0) + (letter === b[j] ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
