/** `npm run docs`: writes docs/api.md, docs/api/ and docs/api-report.txt from what the packages export. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readEntries } from './api.js'
import { printPages, printReport } from './api-pages.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = new URL('../docs/', import.meta.url)
execFileSync(process.execPath, ['scripts/build-client.js'], { cwd: root, stdio: 'inherit' })
const entries = readEntries()

rmSync(new URL('api/', docs), { recursive: true, force: true })
mkdirSync(new URL('api/', docs))
for (const [name, text] of printPages(entries)) writeFileSync(new URL(name, docs), text)
writeFileSync(new URL('api-report.txt', docs), printReport(entries))
