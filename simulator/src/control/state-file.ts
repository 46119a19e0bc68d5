import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { SAVED_STATE, type SavedState } from './saved-state.js'
import { findFault } from './schema.js'

/** A state file that cannot be used. Its message says which, why, and what to do. */
export class StateFileError extends Error {
  readonly code = 'ERR_STATE_FILE'
}

/** A file that a simulator's state is kept in. */
export interface StateFile {
  /** What is in it; `undefined` when there is no file yet. */
  read(): SavedState | undefined
  /** Replaces the file, at once and as a whole. */
  write(state: SavedState): void
}

/** @throws {StateFileError} from its functions, when the file cannot be read or written, or is of another kind. */
export function createStateFile(path: string): StateFile {
  let written = ''

  return {
    read() {
      const text = readText(path)
      if (text === undefined) return undefined
      written = text
      const state = parse(text, path)
      const fault = findFault(SAVED_STATE, state, 'the file')
      if (fault !== undefined) throw new StateFileError(`${notOurs(path)}: ${fault}. ${ADVICE}`)
      return state as SavedState
    },

    // Synchronous: what a caller has been told must be in the file when the process is killed right after it.
    write({ ahead, ...state }) {
      // The clocks differ by a millisecond more or less each time; that alone is no change.
      const text = `${JSON.stringify({ ...state, ahead: Math.round(ahead / 1000) * 1000 }, null, 1)}\n`
      if (text === written) return
      const beside = `${path}.${process.pid}.tmp`
      try {
        writeFileSync(beside, text, { mode: 0o600 })
        renameSync(beside, path)
      } catch (error) {
        throw new StateFileError(`the state file ${path} cannot be written: ${messageOf(error)}`)
      }
      written = text
    },
  }
}

const ADVICE = 'Move it away, or name another file.'

function notOurs(path: string): string {
  return `${path} is no state file of weapp-simulator`
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StateFileError(`the state file ${path} cannot be read: ${messageOf(error)}`)
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new StateFileError(`${notOurs(path)}: it is not JSON. ${ADVICE}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
