import { readFile, realpath, stat } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { OpenError } from './errors.js'

/** The folder of a mini program. Paths are from its root, with `/`, and nothing outside of it is ever read. */
export interface Folder {
  /** Absolute, without links. */
  readonly root: string
  /** Where a file is; `undefined` when there is none, or when the path or a link leads out of the folder. */
  find(path: string): Promise<string | undefined>
  /** The text of a file, if {@link find} finds it. */
  read(path: string): Promise<string | undefined>
  /** A file of JSON; `undefined` when there is none. */
  readJson<T>(path: string): Promise<T | undefined>
}

/** @throws {OpenError} ERR_OPEN_FOLDER when there is no such folder */
export async function openFolder(path: string): Promise<Folder> {
  const root = await realpath(path).catch((cause) => {
    throw new OpenError('ERR_OPEN_FOLDER', `${path}: there is no such folder.`, { cause })
  })

  const folder: Folder = {
    root,
    async find(path) {
      const found = await realpath(join(root, ...path.split('/'))).catch(() => undefined)
      if (!found?.startsWith(root + sep)) return undefined
      return (await stat(found)).isFile() ? found : undefined
    },
    async read(path) {
      const found = await folder.find(path)
      return found === undefined ? undefined : readFile(found, 'utf8')
    },
    async readJson<T>(path: string) {
      const text = await folder.read(path)
      if (text === undefined) return undefined
      try {
        return JSON.parse(text) as T
      } catch (cause) {
        throw new OpenError('ERR_OPEN_FOLDER', `${path} is no JSON: ${(cause as Error).message}`, { cause })
      }
    },
  }
  return folder
}

/**
 * The path that a file of a mini program means: `/a` from the root, anything else from its own folder. `undefined` for
 * what leads out of it.
 */
export function pathFrom(file: string, path: string): string | undefined {
  const joined = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(file), path)
  const clean = posix.normalize(joined)
  return clean === '..' || clean.startsWith('../') ? undefined : clean
}
