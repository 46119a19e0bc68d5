/** What one field of a session's data has to be, by what was acknowledged. */
export interface Field {
  readonly name: string
  /** The last value that is known to be stored. */
  known: string | undefined
  /** Values of writes whose outcome nobody was told: each may be stored, now or later. */
  readonly possible: Set<string>
}

export function newField(name: string): Field {
  return { name, known: undefined, possible: new Set() }
}

/** A write was acknowledged: what was tried before it can no longer be stored, since it was made from older data. */
export function acknowledge(field: Field, value: string): void {
  field.known = value
  field.possible.clear()
}

/** Notes what a request has read. `false`: it is not what was acknowledged. */
export function observe(field: Field, value: unknown): boolean {
  if (value === field.known) return true
  if (typeof value !== 'string' || !field.possible.delete(value)) return false
  field.known = value
  return true
}
