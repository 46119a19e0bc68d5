/** A drawing as it is kept. */
export interface Drawing {
  /** Chosen by the client, and the user's own: another user may have the same. */
  id: string
  /** The strokes, serialised: see strokes.ts. */
  actions: string
  /** Unix ms: when it was saved first. Saving it again changes nothing about its place in the list. */
  savedAt: number
}

/** Which part of a user's drawings. */
export interface Page {
  /** The `next` of the page before. Default: from the newest on. */
  before?: string | undefined
  /** Drawings at most. */
  limit: number
}

/**
 * Where drawings live. Each belongs to the user who saved it, by the openId that WeChat gave: nobody else can see,
 * overwrite or remove it, whatever id they name.
 */
export interface DrawingStore {
  /**
   * A user's drawings, the newest first. `next` is there when there are more. A page may be shorter than its limit
   * when drawings are large ({@link PAGE_LENGTH}).
   */
  list(openId: string, page: Page): Promise<{ drawings: Drawing[]; next?: string }>
  /**
   * Keeps a drawing, over that of the same id if the user has one. When it resolves, the drawing is on disk. Safe to
   * repeat, at once or years later.
   *
   * @throws {DrawingError} ERR_TOO_MANY_DRAWINGS: a new one, and the user has {@link DRAWINGS_MAX}
   */
  save(openId: string, drawing: Pick<Drawing, 'id' | 'actions'>): Promise<void>
  /** Whether there was one. */
  remove(openId: string, id: string): Promise<boolean>
  /** Rejects when the store cannot be used now. */
  isReady?(): Promise<void>
  close(): Promise<void>
}

/** Drawings that one user can have. */
export const DRAWINGS_MAX = 500

/** Characters of all actions of a page together, after which it ends: a hundred drawings can be 100 MB. */
const PAGE_LENGTH = 4 * 1024 * 1024

/** A place in the list, between two drawings. It stays good when the drawing that it came from is removed. */
export type Place = Pick<Drawing, 'savedAt' | 'id'>

/** A place as text that fits into a URL and a header. */
export function cursorAfter({ savedAt, id }: Place): string {
  return `${savedAt.toString(36)}.${id}`
}

/** The place that a cursor stands for; `undefined` for what is no cursor. */
export function placeOf(cursor: string): Place | undefined {
  const [, savedAt, id] = /^([0-9a-z]{1,10})\.([\w-]{1,64})$/.exec(cursor) ?? []
  return savedAt && id ? { savedAt: Number.parseInt(savedAt, 36), id } : undefined
}

/** Puts drawings that come one by one, the newest first, into a page. Takes no more of them than it has to. */
export async function fillPage(
  drawings: Iterable<Drawing> | AsyncIterable<Drawing>,
  limit: number,
): Promise<{ drawings: Drawing[]; next?: string }> {
  const page: Drawing[] = []
  let length = 0
  for await (const drawing of drawings) {
    const last = page.at(-1)
    const isFull = page.length === limit || length + drawing.actions.length > PAGE_LENGTH
    if (last && isFull) return { drawings: page, next: cursorAfter(last) }
    page.push(drawing)
    length += drawing.actions.length
  }
  return { drawings: page }
}
