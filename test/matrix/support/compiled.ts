import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Session } from '../../../client/src/index.js'
import { until } from '../../support/until.js'
import { type Program, startProgram } from './host.js'
import { PRINTED } from './mini-program.js'
import { startScene } from './server.js'
import { type Came, storm } from './storm.js'

/**
 * Starts a compiled program on a phone and opens its page, which asks the server who its user is, in the middle of 50
 * other requests of its session.
 */
export async function logsIn(
  t: ExecutionContext,
  folder: string,
  sessionOf: (program: Program) => Session,
): Promise<void> {
  const scene = await startScene(t)
  await setUrl(folder, scene.url)

  const program = startProgram(folder, scene.phone.wx)
  const { pages } = JSON.parse(await readFile(join(folder, 'app.json'), 'utf8')) as { pages: [string] }
  const page = program.open(pages[0])
  await storm(t, scene, () => get(sessionOf(program)))

  await until(() => page.drawn().includes(scene.phone.user.openId))
  t.is(scene.statuses.get(200), 50 + 20 + 1)
}

/** One request of a session, whose answer says who its user is. */
export async function get(session: Session): Promise<Came> {
  const { statusCode, data } = await session.request<{ openId: string }>({ url: '/me' })
  return { status: statusCode, openId: data.openId }
}

/** Puts the address of the server in the place of what is printed: it listens somewhere else each time. */
export async function setUrl(folder: string, url: string): Promise<void> {
  const names = await readdir(folder, { recursive: true })
  for (const path of names.filter((name) => name.endsWith('.js')).map((name) => join(folder, name))) {
    const code = await readFile(path, 'utf8')
    if (code.includes(PRINTED)) await writeFile(path, code.replaceAll(PRINTED, url))
  }
}
