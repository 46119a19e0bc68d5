/** ms between two sentences about what came by itself: a screen reader reads each of them to its end. */
const PAUSE = 4000

/** Says things to those who do not see the page. */
export interface Announcer {
  /** The outcome of what somebody has just done: at once. */
  say(text: string): void
  /** Something came by itself: it is counted, and the count is said now and then. */
  count(isRefused: boolean): void
}

export function createAnnouncer(
  place: HTMLElement,
  summary: (requests: number, refused: number) => string,
): Announcer {
  let requests = 0
  let refused = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  return {
    say(text) {
      // The same sentence again is a new one.
      place.textContent = place.textContent === text ? `${text}\u00A0` : text
    },
    count(isRefused) {
      requests++
      if (isRefused) refused++
      if (timer !== undefined) return
      timer = setTimeout(() => {
        place.textContent = summary(requests, refused)
        requests = 0
        refused = 0
        timer = undefined
      }, PAUSE)
    },
  }
}
