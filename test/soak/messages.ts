/** What a server of the soak says of itself. */
export interface Figures {
  /** Bytes that are used after collections. */
  heap: number
  external: number
  sockets: number
  timers: number
}

/** From the parent to a server. Both are answered with figures. */
export type Question = { kind: 'measure' } | { kind: 'snapshot'; file: string }

/** From a server to its parent. */
export type Message =
  | { kind: 'url'; url: string }
  | { kind: 'figures'; figures: Figures }
  | { kind: 'warning'; text: string }
