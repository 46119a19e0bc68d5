/** The part of an entry from which stores of express-session compute how long to keep it. All three fields say the same. */
export interface ExpressCookie {
  /** ms */
  originalMaxAge: number | null
  /** ms */
  maxAge?: number | undefined
  expires?: Date | null | undefined
}

/** `until`: Unix ms. */
export function cookieUntil(until: number): ExpressCookie & { httpOnly: boolean; path: string } {
  const life = lifeUntil(until)
  return { originalMaxAge: life, maxAge: life, expires: new Date(until), httpOnly: true, path: '/' }
}

/** ms, one at least: to some stores, 0 is for ever. */
export function lifeUntil(until: number): number {
  return Math.max(1, until - Date.now())
}
