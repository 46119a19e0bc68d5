import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { startCommand } from '../support/command.js'
import { packSimulator, run } from './support/pack.js'

test('npx weapp-simulator: from the tarball in an empty folder to a login by curl', async (t) => {
  const [packed, project] = await Promise.all(
    ['weapp-packed-', 'weapp-empty-'].map((name) => mkdtemp(join(tmpdir(), name))),
  )
  if (!packed || !project) return t.fail()
  t.teardown(async () => {
    for (const folder of [packed, project]) await rm(folder, { recursive: true, force: true })
  })
  const { path } = await packSimulator(packed)
  const began = performance.now()
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', path], { cwd: project })
  // No dependency comes with it.
  t.deepEqual(
    (await readdir(join(project, 'node_modules'))).filter((name) => !name.startsWith('.')),
    ['weapp-simulator'],
  )

  const { output, url, interrupt, ended } = await startCommand(t, [], {
    argv: ['npx', '--offline', 'weapp-simulator'],
    cwd: project,
  })
  const [curl = ''] = output.split('\n').filter((line) => line.startsWith('  curl'))
  const { stdout } = await run('sh', ['-c', curl])
  t.log(`from npm install to the first login: ${Math.round(performance.now() - began)} ms`)

  t.regex(stdout, /"openid":"o[\w-]{27}"/)
  for (const file of ['', 'simulator/page/page.js', 'simulator/page/page.css', 'simulator/openapi.json'])
    t.is((await fetch(`${url}/${file}`)).status, 200, file)
  interrupt()
  await ended
})
