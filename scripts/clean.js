// Removes what the last build left, so that a renamed file is not shipped twice: node scripts/clean.js <folder> …
import { rmSync } from 'node:fs'

const root = new URL('../', import.meta.url)

for (const folder of process.argv.slice(2)) rmSync(new URL(folder, root), { recursive: true, force: true })
