// Removes what the last build left, so that a renamed file is not shipped twice.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
