import type { Wx } from '../../../simulator/src/index.js'

/**
 * The `uni` of a uni-app program for WeChat: a proxy that has no keys of its own, and looks each call up in `wx`. What the
 * program assigns to it, it keeps. (The real one is tried in uni-app-3.test.ts.)
 */
export function uniLike(wx: Wx): object {
  return new Proxy<Record<string, unknown>>(
    {},
    { get: (own, key: string) => own[key] ?? (wx as unknown as Record<string, unknown>)[key] },
  )
}
