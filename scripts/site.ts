/**
 * `npm run docs:dev` and `npm run docs:build`: the documentation as a site, by VitePress in site/, which has packages and a lock file of
 * its own. Installs them when they are missing. Further arguments go to VitePress.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const site = fileURLToPath(new URL('../site', import.meta.url))
const vitepress = join(site, 'node_modules/vitepress/bin/vitepress.js')

if (!existsSync(vitepress))
  run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'])
const [command = 'dev', ...args] = process.argv.slice(2)
run(process.execPath, [vitepress, command, '.', ...args])

function run(program: string, args: string[]): void {
  const { status, error } = spawnSync(program, args, { cwd: site, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
