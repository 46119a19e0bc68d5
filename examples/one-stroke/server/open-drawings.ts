import type { DrawingStore } from './drawings.js'
import { embeddedDrawings } from './drawings-embedded.js'
import { mongoDrawings } from './drawings-mongo.js'
import { type Settings, SettingsError } from './settings.js'

/**
 * Opens the store of drawings that the settings name.
 *
 * @throws {SettingsError} when it cannot be used
 */
export async function openDrawings(where: Settings['drawings']): Promise<DrawingStore> {
  return 'mongoUrl' in where ? openMongo(where.mongoUrl) : openFolder(where.folder)
}

async function openMongo(url: string): Promise<DrawingStore> {
  try {
    return await mongoDrawings({ url })
  } catch (cause) {
    // Its message may have the URL in it, and the URL a password.
    const { name } = cause as Error
    throw new SettingsError(
      `MONGO_URL: that MongoDB cannot be used (${name}): start it, or set another URL.`,
      { cause },
    )
  }
}

function openFolder(folder: string): DrawingStore {
  try {
    return embeddedDrawings({ folder })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const what = `drawings cannot be kept in ${folder} (${code})`
    throw new SettingsError(`DATA_DIR: ${what}: let this user write there, or set another.`, { cause })
  }
}
