import { parseObject } from '../util/json.js'
import { meaningOf, type Pairs } from './decode.js'
import type { HeaderMeaning } from './protocol.js'
import { printFile, type TestParts } from './test-file.js'
import type { Trace } from './trace.js'

/** Characters of a body that are put into a test. */
const BODY_MAX = 4000

/**
 * Requests as a test for `node --test`, with a simulated WeChat: the same logins, credentials and mistakes in the same order,
 * and the answers as they were, as far as sessions are concerned. Every secret is replaced by where it comes from, so that
 * none is in the file. A small app stands for the one that was seen, until somebody puts their own there.
 */
export function printTest(traces: readonly Trace[]): string {
  const writer = createWriter(traces)
  for (const trace of traces) writer.add(trace)
  return printFile(writer.parts())
}

/** Where a credential of the trace comes from in the test: an expression, and whether its session lives there. */
interface Source {
  text: string
  phone: string
  isAlive: boolean
}

function createWriter(traces: readonly Trace[]) {
  const phones = new Map<string, string>()
  const credentials = new Map<string, Source>()
  const codes = new Map<string, { login: string; phone: string }>()
  const lines: string[] = []
  const answers: TestParts['answers'] = {}
  const [first] = traces
  const app = traces.find((trace) => trace.app)?.app
  const prefix = app?.prefix ?? ''
  let count = 0
  let loginPath: string | undefined
  let logoutPath: string | undefined
  let sessionHeader: string | undefined

  return {
    add,
    parts: (): TestParts => ({
      ...{ count, lines, answers, loginPath, logoutPath, sessionHeader },
      appId: app?.appIds[0] ?? 'wx-test',
      carrier: app?.carrier ?? 'code',
      prefix,
      phones: [...phones.values()],
      at: new Date(first?.at ?? 0).toISOString(),
      hasStoreFaults: traces.some(({ steps }) => steps.some(isStoreFailure)),
    }),
  }

  function add(trace: Trace): void {
    const { response, method, steps } = trace
    if (!response) return
    count++
    const name = `answer${count}`
    const path = pathOf(trace)
    const [plain = ''] = path.split('?')
    const body = trace.body()?.bytes.toString('utf8') ?? ''
    const fields = parseObject(body)
    const isLoginBody = steps.some(isLoginStep) && typeof fields?.code === 'string' && !hasCode(trace)
    if (isLoginBody) loginPath = plain
    if (!steps.some(({ kind }) => kind === 'identify') && parseObject(textOf(trace))?.logout === 'done')
      logoutPath = plain

    lines.push('', `// ${count}. ${method} ${path}: ${describe(trace)}`)
    const phone = phoneOf(trace)
    const headers = trace.headers.flatMap((header) => headerLines(trace, header, phone))
    const text = isLoginBody ? loginBody(trace, fields, phone) : bodyText(body)
    const restore = breakThings(trace)
    const type = trace.headers.find(([header]) => header.toLowerCase() === 'content-type')?.[1]
    if (text && type) headers.push(`'Content-Type': ${quoted(type)}`)
    const sent = [quoted(method), quoted(path), `{ ${headers.join(', ')} }`, ...(text ? [text] : [])]
    lines.push(`const ${name} = await send(${sent.join(', ')})`)
    lines.push(`assert.equal(${name}.status, ${response.status})`)
    for (const meaning of ['login', 'error'] as const) {
      const header = response.headers.find(([header]) => meaningOf(header, prefix) === meaning)
      if (header) lines.push(`assert.equal(${name}.headers.get(${quoted(header[0])}), ${quoted(header[1])})`)
    }
    lines.push(...restore)
    remember(trace, name, phone)
    standIn(trace, `${method} ${plain}`)
  }

  /** A phone for each user; who is not known yet has the one that the next answer knows. */
  function phoneOf(trace: Trace): string {
    const shown = presented(trace).flatMap((value) => credentials.get(value) ?? [])[0]
    const code = codeOf(trace)
    const known = shown?.phone ?? (code === undefined ? undefined : codes.get(code)?.phone)
    if (known) return known
    const whose = trace.identity?.openId ?? 'nobody'
    const phone = phones.get(whose) ?? `phone${phones.size + 1}`
    phones.set(whose, phone)
    return phone
  }

  function headerLines(trace: Trace, [name, value]: Pairs[number], phone: string): string[] {
    const meaning = meaningOf(name, prefix)
    const key = quoted(name)
    switch (meaning) {
      case 'code':
        return [
          `${key}: ${isLogin(trace) ? `${loginOf(value, phone)}.code` : credentialOf(trace, value, phone)}`,
        ]
      case 'rawData':
        return [`${key}: encodeURIComponent(${rawDataOf(trace, phone)})`]
      case 'signature':
      case 'iv':
        return [`${key}: ${loginOf(codeOf(trace) ?? '', phone)}.${meaning}`]
      case 'encryptedData':
        return [`${key}: ${loginOf(codeOf(trace) ?? '', phone)}.encryptedData`]
      case 'session':
        return [`${key}: ${credentialOf(trace, value, phone)}`]
      case 'bearer':
        return [`${key}: \`Bearer \${${credentialOf(trace, value.replace(/^\S+ /, ''), phone)}}\``]
      case 'cookie': {
        const ours = cookieOf(value)
        return ours ? [`${key}: ${credentialOf(trace, ours, phone)}`] : []
      }
      case 'login':
      case 'appId':
        return [`${key}: ${quoted(value)}`]
      default:
        if (!SIGNED_ID.test(value)) return []
        sessionHeader = name
        return [`${key}: ${credentialOf(trace, value, phone)}`]
    }
  }

  function loginOf(code: string, phone: string): string {
    const known = codes.get(code)
    if (known) return known.login
    const login = `login${codes.size + 1}`
    codes.set(code, { login, phone })
    lines.push(`const ${login} = await logIn(${phone})`)
    return login
  }

  function rawDataOf(trace: Trace, phone: string): string {
    const rawData = `${loginOf(codeOf(trace) ?? '', phone)}.rawData`
    return trace.signature && !trace.signature.isGood ? `tampered(${rawData})` : rawData
  }

  function loginBody(trace: Trace, fields: Record<string, unknown>, phone: string): string {
    const login = loginOf(String(fields.code), phone)
    const parts = Object.keys(fields).flatMap((name) => {
      if (name === 'rawData') return [`rawData: ${rawDataOf(trace, phone)}`]
      return ['code', 'signature', 'encryptedData', 'iv'].includes(name) ? [`${name}: ${login}.${name}`] : []
    })
    return `JSON.stringify({ ${parts.join(', ')} })`
  }

  /** What stands for a credential that a request has carried. */
  function credentialOf(trace: Trace, value: string, phone: string): string {
    const isRefused = reasonOf(trace) === 'ERR_SESSION_EXPIRED'
    const code = codes.get(value)
    const source = credentials.get(value) ?? (code && sourceOf(code))
    if (!source && isRefused) return quoted(madeUp(value))
    const alive = source ?? begin(value, phone)
    if (isRefused && alive.isAlive) {
      lines.push(`await session.revoke(${alive.phone}.user.openId) // by then it had ended`)
      for (const other of credentials.values()) if (other.phone === alive.phone) other.isAlive = false
      alive.isAlive = false
    }
    return alive.text
  }

  function sourceOf({ login, phone }: { login: string; phone: string }): Source {
    return { text: `${login}.code`, phone, isAlive: true }
  }

  /** A session from before the trace. */
  function begin(value: string, phone: string): Source {
    const text = `before${credentials.size + 1}`
    lines.push(`const ${text} = await begin(send, ${phone}) // a session from before`)
    const source = { text, phone, isAlive: true }
    credentials.set(value, source)
    return source
  }

  /** What is needed so that the same goes wrong. What is returned ends it. */
  function breakThings({ steps, faults }: Trace): string[] {
    const after: string[] = []
    const exchange = steps.find((step) => step.kind === 'exchange')
    if (exchange?.errcode !== undefined) lines.push(`wechat.fail({ errcode: ${exchange.errcode} })`)
    else if (exchange?.status !== undefined || faults.wechat === 'fails') {
      lines.push(`const up${count} = wechat.fail({ status: 502 }, { times: Number.POSITIVE_INFINITY })`)
      after.push(`up${count}()`)
    }
    if (steps.some(isStoreFailure)) {
      lines.push('isStoreDown = true')
      after.push('isStoreDown = false')
    }
    return after
  }

  /** The credentials that an answer has brought, by where the test finds them. */
  function remember(trace: Trace, name: string, phone: string): void {
    const code = codeOf(trace)
    if (code !== undefined && isLogin(trace) && trace.identity && app?.carrier === 'code')
      credentials.set(code, { text: `${codes.get(code)?.login}.code`, phone, isAlive: true })
    for (const value of issued(trace, prefix))
      credentials.set(value, { text: `${name}.credential`, phone, isAlive: true })
  }

  /** How the app that stands in answers this request, where it gets that far. */
  function standIn({ steps, response, app }: Trace, route: string): void {
    const identified = steps.find((step) => step.kind === 'identify')
    if ((app && !identified) || !response) return
    const isRotated =
      identified?.by === 'session' && steps.some((step) => step.kind === 'store' && step.call === 'take')
    const needsUser = steps.some(
      ({ kind, ...step }) => 'reason' in step && step.reason === 'ERR_LOGIN_REQUIRED',
    )
    answers[route] ??= []
    answers[route].push({
      status: needsUser ? 200 : response.status,
      ...(needsUser && { needsUser }),
      ...(isRotated && { rotates: true }),
    })
  }

  function hasCode(trace: Trace): boolean {
    return trace.headers.some(([name]) => meaningOf(name, prefix) === 'code')
  }

  function isLogin(trace: Trace): boolean {
    const has = (wanted: HeaderMeaning) => trace.headers.some(([name]) => meaningOf(name, prefix) === wanted)
    return has('login') || has('rawData') || trace.steps.some(isLoginStep)
  }

  function codeOf(trace: Trace): string | undefined {
    const header = trace.headers.find(([name]) => meaningOf(name, prefix) === 'code')?.[1]
    const field = parseObject(trace.body()?.bytes.toString('utf8') ?? '')?.code
    return header ?? (typeof field === 'string' && isLogin(trace) ? field : undefined)
  }

  function presented(trace: Trace): string[] {
    return trace.headers.flatMap(([name, value]) => {
      const meaning = meaningOf(name, prefix)
      if (meaning === 'bearer') return [value.replace(/^\S+ /, '')]
      if (meaning === 'cookie') return cookieOf(value) ?? []
      return meaning === 'session' || meaning === 'code' || SIGNED_ID.test(value) ? [value] : []
    })
  }
}

const SIGNED_ID = /^[\w-]{43}\.[\w-]{43}$/

function cookieOf(line: string): string | undefined {
  return /[^=;\s]+=[\w-]{43}\.[\w-]{43}/.exec(line)?.[0]
}

function issued(trace: Trace, prefix: string): string[] {
  const { response } = trace
  if (!response) return []
  const fields = parseObject(textOf(trace)) ?? {}
  const ofBody = [fields.session, fields.token].filter((value) => typeof value === 'string')
  const ofHeaders = response.headers.flatMap(([name, value]) => {
    const meaning = meaningOf(name, prefix)
    if (meaning === 'cookie') return cookieOf(value) ?? []
    return meaning === 'session' || meaning === 'token' || SIGNED_ID.test(value) ? [value] : []
  })
  return [...ofBody, ...ofHeaders]
}

/** Of the same shape, and nobody's. */
function madeUp(value: string): string {
  return value.replace(/[\w-]/g, 'A').slice(0, 200)
}

function isStoreFailure(step: Trace['steps'][number]): boolean {
  return step.kind === 'store' && step.outcome === 'failed'
}

function isLoginStep(step: Trace['steps'][number]): boolean {
  return (
    step.kind === 'exchange' || step.kind === 'login' || (step.kind === 'identify' && step.by === 'login')
  )
}

function reasonOf({ steps }: Trace): string | undefined {
  const refusal = steps.find((step) => step.kind === 'refusal')
  return refusal?.reason
}

function describe(trace: Trace): string {
  const identified = trace.steps.find((step) => step.kind === 'identify')
  return reasonOf(trace) ?? (identified ? `by ${identified.by}` : `${trace.response?.status}`)
}

/** Without a code or a credential in its query. */
function pathOf({ path }: Trace): string {
  return path.replace(/([?&](?:code|session|token|secret|access_token)=)[^&#]*/g, '$1')
}

function textOf({ response }: Trace): string {
  return response?.body.bytes.toString('utf8') ?? ''
}

function bodyText(body: string): string | undefined {
  return body && body.length <= BODY_MAX && !body.includes('\0') ? quoted(body) : undefined
}

/** As a text of JavaScript, which JSON is. */
function quoted(text: string): string {
  const json = JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`
}
