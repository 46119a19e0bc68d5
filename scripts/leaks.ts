/** A secret that was found where it must not be. */
export interface Leak {
  where: string
  /** The first characters of the secret, to find it by; the rest stays secret here too. */
  secret: string
  /** What stands before it. */
  before: string
}

/** Searches texts for secrets, as they are and as they are written in URLs. Each is reported once for each text. */
export function findLeaks(secrets: Iterable<string>, texts: Iterable<[where: string, text: string]>): Leak[] {
  const forms = new Map<string, string>()
  for (const secret of secrets) {
    forms.set(secret, secret)
    forms.set(encodeURIComponent(secret), secret)
  }
  const length = Math.min(...[...forms.keys()].map((form) => form.length))
  const byStart = group([...forms.keys()], length)

  const leaks: Leak[] = []
  for (const [where, text] of texts) {
    const found = new Set<string>()
    // Once through the text, however many secrets there are: it is long, and they are thousands.
    for (let at = 0; at + length <= text.length; at++) {
      for (const form of byStart.get(text.slice(at, at + length)) ?? []) {
        if (found.has(form) || !text.startsWith(form, at)) continue
        found.add(form)
        const secret = `${forms.get(form)?.slice(0, 4)}…`
        leaks.push({ where, secret, before: text.slice(Math.max(0, at - 60), at) })
      }
    }
  }
  return leaks
}

/** By their first characters. */
function group(forms: string[], length: number): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const form of forms) {
    const start = form.slice(0, length)
    groups.set(start, [...(groups.get(start) ?? []), form])
  }
  return groups
}
