import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { OpenError } from './errors.js'

/** What compiles a mini program. */
export interface Tools {
  build: typeof import('esbuild').build
  TmplGroup: typeof import('glass-easel-template-compiler').TmplGroup
  /** Where the browser's part of the framework is installed. */
  nodePaths: string[]
}

/** What installs them all. The parts of glass-easel fit each other in one version only. */
const INSTALL =
  'npm install -D esbuild glass-easel@0.12 glass-easel-miniprogram-adapter@0.12 glass-easel-template-compiler@0.12 ws'

const NAMES = ['esbuild', 'glass-easel', 'glass-easel-miniprogram-adapter', 'glass-easel-template-compiler']

/**
 * Loads WeChat's own framework and its compiler, which are optional: who only logs in needs none of it. They are taken
 * from beside this package, or from the project in which it was started: `npx` keeps packages elsewhere.
 *
 * @throws {OpenError} ERR_OPEN_PACKAGES, with the command that installs them
 */
export function loadTools(): Tools {
  const require = requireWith(NAMES)
  const { build } = require('esbuild') as typeof import('esbuild')
  const { TmplGroup } =
    require('glass-easel-template-compiler') as typeof import('glass-easel-template-compiler')
  return { build, TmplGroup, nodePaths: [nodeModulesOf(require.resolve('glass-easel'))] }
}

/** Loads the package that speaks WebSocket. @throws {OpenError} ERR_OPEN_PACKAGES */
export function loadWs(): typeof import('ws') {
  return requireWith(['ws'])('ws') as typeof import('ws')
}

function requireWith(names: string[]): NodeJS.Require {
  const places = [createRequire(import.meta.url), createRequire(join(process.cwd(), 'package.json'))]
  const require = places.find((require) => names.every((name) => isThere(require, name)))
  if (require) return require
  throw new OpenError('ERR_OPEN_PACKAGES', `To open a mini program, install WeChat's framework: ${INSTALL}`)
}

function isThere(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

function nodeModulesOf(path: string): string {
  const folder = dirname(path)
  return folder.endsWith('node_modules') || folder === path ? folder : nodeModulesOf(folder)
}

/** What the message says when the compiler is another one than this was written for. */
export function otherVersion(): OpenError {
  return new OpenError('ERR_OPEN_PACKAGES', `glass-easel-template-compiler has to be 0.12: ${INSTALL}`)
}
