import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Folder } from './folder.js'

/** What a mini program shows as it is. Its code and its settings are not served. */
const TYPES: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
}

/** A picture, a font or a sound of the folder, by its path; `undefined` for everything else, and for what is outside. */
export async function readMedia(
  folder: Folder,
  path: string,
): Promise<{ type: string; body: Buffer } | undefined> {
  const found = await folder.find(path)
  const type = TYPES[extname(found ?? '').toLowerCase()]
  return found && type ? { type, body: await readFile(found) } : undefined
}
