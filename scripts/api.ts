/**
 * What the packages export, read from their declarations by a parser. Tools that make such a reference ask the
 * programming interface of TypeScript, which TypeScript 7 does not have.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Declaration, Declarations, type Kind, keyOf } from './declarations.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is imported by one name. */
export interface Entry {
  /** The name. */
  name: string
  /** Its page: docs/api/<page>.md. */
  page: string
  exports: Declaration[]
  /** What the exports are declared with, and no entry point exports. */
  internal: Declaration[]
  /** What the import adds to other modules. */
  augmentations: Declaration[]
}

/** Every entry point of all packages. The client has to be built, the others need not be. */
export function readEntries(): Entry[] {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-api-'))
  try {
    const server = declare(root, join(folder, 'server'))
    const simulator = declare(join(root, 'simulator'), join(folder, 'simulator'))
    const entries = [
      entry('koa-weapp-session', 'server', join(server, 'index.d.ts')),
      entry('koa-weapp-session/bridge', 'bridge', join(server, 'bridge/index.d.ts')),
      entry('koa-weapp-session/inspector', 'inspector', join(server, 'inspector/index.d.ts')),
      entry('koa-weapp-session/jwt', 'jwt', join(server, 'jwt/index.d.ts')),
      entry('koa-weapp-session/express-store', 'express-store', join(server, 'stores/express/index.d.ts')),
      entry('koa-weapp-session/koa-store', 'koa-store', join(server, 'stores/koa/index.d.ts')),
      entry('koa-weapp-session/testing', 'testing', join(server, 'testing/index.d.ts')),
      entry('weapp-session-client', 'client', join(root, 'client/dist/index.d.ts')),
      entry('weapp-session-client/core', 'client-core', join(root, 'client/dist/core.d.ts')),
      entry('weapp-session-client/http', 'client-http', join(root, 'client/dist/http.d.ts')),
      entry('weapp-session-client/events', 'client-events', join(root, 'client/dist/events.d.ts')),
      entry('weapp-simulator', 'simulator', join(simulator, 'index.d.ts')),
      entry('weapp-simulator/open', 'simulator-open', join(simulator, 'open/index.d.ts')),
    ]
    // A page prints what no page before it has.
    const printed = new Set(entries.flatMap(({ exports }) => exports.map(keyOf)))
    for (const one of entries) {
      one.internal = one.internal.filter((declaration) => !printed.has(keyOf(declaration)))
      for (const declaration of one.internal) printed.add(keyOf(declaration))
    }
    return entries
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the declarations of a project into a folder. */
function declare(project: string, folder: string): string {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--emitDeclarationOnly', '--outDir', folder]
  execFileSync(process.execPath, [tsc, '-p', project, ...flags], { stdio: 'inherit' })
  return folder
}

function entry(name: string, page: string, path: string): Entry {
  const declarations = new Declarations(path)
  const exports = inOrder(declarations.exports())
  const internal = inOrder(declarations.neededBy(exports))
  return {
    name,
    page,
    exports,
    internal,
    augmentations: declarations.augmentations([...exports, ...internal]),
  }
}

const KINDS: Kind[] = ['function', 'class', 'const', 'interface', 'type', 'module']

/** What is called before what it takes. */
function inOrder(all: Declaration[]): Declaration[] {
  return KINDS.flatMap((kind) => all.filter((one) => one.kind === kind))
}
