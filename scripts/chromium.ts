import { spawnSync } from 'node:child_process'
import { ensureProgram } from './debian.js'

/** Where the browser is that tests and pictures are made with; where there is none, Debian's is installed. */
export function chromiumPath(): string {
  const { CHROMIUM = 'chromium' } = process.env
  if (!ensureProgram({ command: CHROMIUM, versionFlag: '--version', package: 'chromium' })) {
    throw new Error('There is no chromium here: install it, or point CHROMIUM to a Chrome that is there.')
  }
  const { stdout } = spawnSync('sh', ['-c', 'command -v "$0"', CHROMIUM], { encoding: 'utf8' })
  return stdout.trim() || CHROMIUM
}
