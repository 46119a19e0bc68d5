import { readFile } from 'node:fs/promises'

/** A file of the page. */
export interface Asset {
  type: string
  text: string
}

/** What the build has put beside this file, by its name in the page's folder. */
const FILES = new Map([
  ['page.html', 'text/html; charset=utf-8'],
  ['page.css', 'text/css; charset=utf-8'],
  ['page.js', 'text/javascript; charset=utf-8'],
])

/** Reads the files of the page, when the first of them is asked for. */
export function createAssets(): (name: string) => Promise<Asset | undefined> {
  const read = new Map<string, Promise<Asset>>()

  return async function asset(name) {
    const type = FILES.get(name)
    if (!type) return undefined
    const reading = read.get(name) ?? load(name, type)
    read.set(name, reading)
    return reading
  }
}

async function load(name: string, type: string): Promise<Asset> {
  return { type, text: await readFile(new URL(`page/${name}`, import.meta.url), 'utf8') }
}
