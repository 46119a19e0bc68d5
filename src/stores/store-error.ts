/** An error of a store that knows what it means: in a sentence for the operator, and whether it stays until they act. */
export class StoreError extends Error {
  readonly fix: string
  readonly lasts: boolean

  constructor(message: string, { fix, lasts, cause }: { fix: string; lasts: boolean; cause: unknown }) {
    super(message, { cause })
    this.fix = fix
    this.lasts = lasts
  }
}
