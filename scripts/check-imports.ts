/** Part of `npm run lint`: fails where an import breaks a rule of import-rules.ts. */
import { brokenRules, readImports } from './imports.js'

const broken = brokenRules(readImports())
for (const sentence of broken) console.error(sentence)
if (broken.length > 0) process.exitCode = 1
