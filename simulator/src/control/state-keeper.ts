import type { Platform } from '../servers/endpoints.js'
import type { WechatParts } from '../wechat.js'
import { capture, restore, type SavedState } from './saved-state.js'
import { createStateFile, StateFileError } from './state-file.js'

/** Keeps the state of a simulator in a file, if there is one. */
export interface StateKeeper {
  /** What was there at the start. */
  readonly saved: SavedState | undefined
  /**
   * Puts what was there into a WeChat that is new, and writes the file: what cannot be written is said before anybody
   * relies on it.
   *
   * @throws {StateFileError}
   */
  begin(parts: WechatParts): void
  /** Writes what has changed. A disk that is full must not end the simulator: it warns, once for each reason. */
  save(parts: WechatParts): void
}

/** @throws {StateFileError} when the file cannot be read, or is of another kind, another app or another platform. */
export function createStateKeeper(
  path: string | undefined,
  { appId, platform }: { appId: string | undefined; platform: Platform },
): StateKeeper {
  const file = path === undefined ? undefined : createStateFile(path)
  const saved = file?.read()
  if (saved && appId !== undefined && appId !== saved.appId) {
    const message = `the state file ${path} is of the app ${saved.appId}, not of ${appId}`
    throw new StateFileError(`${message}: openids differ by app. Name another file.`)
  }
  if (saved && saved.platform !== platform) {
    const message = `the state file ${path} is of the platform ${saved.platform}, not of ${platform}`
    throw new StateFileError(`${message}: openids differ by platform. Name another file.`)
  }
  let lastTrouble = ''

  return {
    saved,

    begin(parts) {
      if (saved) restore(saved, parts)
      file?.write(capture(parts))
    },

    save(parts) {
      try {
        file?.write(capture(parts))
        lastTrouble = ''
      } catch (error) {
        if (!(error instanceof StateFileError)) throw error
        if (error.message !== lastTrouble) process.emitWarning(`weapp-simulator: ${error.message}`)
        lastTrouble = error.message
      }
    },
  }
}
