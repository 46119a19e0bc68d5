/** A secret that was found where it must not be. */
export interface Leak {
  where: string
  /** The first characters of the secret, to find it by; the rest stays secret here too. */
  secret: string
  /** What stands before it. */
  before: string
}

/** Searches texts for secrets, as they are and as they are written in URLs. */
export function findLeaks(secrets: Iterable<string>, texts: Iterable<[where: string, text: string]>): Leak[] {
  const forms = new Map<string, string>()
  for (const secret of secrets) {
    forms.set(secret, secret)
    forms.set(encodeURIComponent(secret), secret)
  }

  const leaks: Leak[] = []
  for (const [where, text] of texts) {
    for (const [form, secret] of forms) {
      const at = text.indexOf(form)
      if (at >= 0)
        leaks.push({ where, secret: `${secret.slice(0, 4)}…`, before: text.slice(Math.max(0, at - 60), at) })
    }
  }
  return leaks
}
