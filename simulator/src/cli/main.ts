import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSimulatorServer, type SimulatorServer } from '../control/server.js'
import { StateFileError } from '../control/state-file.js'
import { OpenError } from '../open/errors.js'
import type { OpenedMiniProgram } from '../open/open.js'
import { type Certificate, CertificateError, certificateIn } from './certificate.js'
import { type CommandOptions, langOf, OPTIONS, type OptionName, readOptions } from './options.js'
import { TEXTS, type Texts } from './texts.js'

/** How many ports are tried after the one that is taken. */
const MORE_PORTS = 20

/** Runs the command until it is told to end. Resolves to the exit code: 2 when the arguments are wrong. */
export async function main(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const texts = TEXTS[langOf(args, env)]
  const options = readOptions(args)
  if ('kind' in options) return refuse(`${texts.fault(options)} ${texts.help}`, 2)
  if (options.help) return say(helpOf(texts))
  if (options.version) return say(versionOfPackage())
  if (env.NODE_ENV === 'production') return refuse(texts.production)

  try {
    return await run(options, texts)
  } catch (error) {
    const reason = reasonOf(error, options, texts)
    if (reason === undefined) throw error
    return refuse(reason)
  }
}

async function run(options: CommandOptions, texts: Texts): Promise<number> {
  const { strict, tourist, unionIds } = options
  const [state, certificate] = [options.state && resolve(options.state), certificateOf(options)]
  const simulator = createSimulatorServer({
    ...{ strict, tourist, unionIds },
    ...(options.appId !== undefined && { appId: options.appId }),
    ...(options.appSecret !== undefined && { appSecret: options.appSecret }),
    ...(state !== undefined && { state }),
    ...(certificate && { tls: certificate }),
  })
  // Before anything is printed: whoever reads the first line may end it.
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const baseUrl = await listen(simulator, options.port, texts)
  const opened = await openProgram(simulator, options).catch(async (error: unknown) => {
    await simulator.close()
    throw error
  })
  const { appId, appSecret } = simulator.wechat
  const started = { version: versionOfPackage(), baseUrl, appId, appSecret, strict, tourist, state }
  say(
    texts.started({
      ...started,
      certificate: certificate?.path,
      miniProgram: opened?.url,
      code: await firstCode(simulator),
    }),
  )

  await ended
  await opened?.close()
  await simulator.close()
  return say(`\n${texts.stopped}`)
}

/** The mini program of `--open`. What is only needed for that is loaded here. */
async function openProgram(
  { wechat }: SimulatorServer,
  { open }: CommandOptions,
): Promise<OpenedMiniProgram | undefined> {
  if (open === undefined) return undefined
  const { openMiniProgram } = await import('../open/index.js')
  return openMiniProgram({
    folder: resolve(open),
    wechat,
    log: (sentence) => process.stderr.write(`${sentence}\n`),
  })
}

async function listen(simulator: SimulatorServer, port: number, texts: Texts): Promise<string> {
  for (let used = port; used <= Math.min(port + MORE_PORTS, 65_535); used++) {
    try {
      const baseUrl = await simulator.listen(used)
      if (used !== port) say(texts.portTaken(port, used))
      return baseUrl
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error
    }
  }
  throw Object.assign(new Error('no port'), { code: 'EADDRINUSE' })
}

function firstCode({ wechat }: SimulatorServer): Promise<string> {
  const { wx } = wechat.phone('alice')
  return new Promise((done, fail) => wx.login({ success: ({ code }) => done(code), fail }))
}

function certificateOf({ tls, tlsFolder }: CommandOptions): Certificate | undefined {
  return tls ? certificateIn(resolve(tlsFolder ?? join(homedir(), '.weapp-simulator'))) : undefined
}

/** Why it does not start, in a sentence; `undefined` for what nobody has thought of. */
function reasonOf(error: unknown, { port }: CommandOptions, texts: Texts): string | undefined {
  if (error instanceof StateFileError || error instanceof OpenError) return error.message
  if (error instanceof CertificateError) {
    return error.code === 'ERR_NO_OPENSSL' ? texts.noOpenssl : texts.opensslFailed(error.message)
  }
  if (codeOf(error) === 'EADDRINUSE') return texts.noPort(port)
  if (codeOf(error) === 'EACCES') return texts.notAllowed(port)
  return undefined
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function helpOf(texts: Texts): string {
  const rows = Object.entries(OPTIONS).map(([name, { value }]) => {
    const left = `  --${name}${value === undefined ? '' : ` ${value}`}`
    return `${left.padEnd(26)}${texts.options[name as OptionName]}`
  })
  return `${texts.usage}\n\n${rows.join('\n')}`
}

function versionOfPackage(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return JSON.parse(manifest).version
}

function say(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function refuse(reason: string, code = 1): number {
  process.stderr.write(`weapp-simulator: ${reason}\n`)
  return code
}
