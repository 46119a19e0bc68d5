/** `npm run docs`: writes docs/api.md and docs/api-report.txt from what the packages export. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readEntries } from './api.js'
import { printApi, printReport } from './api-pages.js'

const root = fileURLToPath(new URL('..', import.meta.url))
execFileSync(process.execPath, ['scripts/build-client.js'], { cwd: root, stdio: 'inherit' })
const entries = readEntries()

writeFileSync(new URL('../docs/api.md', import.meta.url), printApi(entries))
writeFileSync(new URL('../docs/api-report.txt', import.meta.url), printReport(entries))
