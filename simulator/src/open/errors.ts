/** Why a mini program cannot be opened. */
export type OpenErrorCode =
  /** A package that opens mini programs is not installed, or in another version. */
  | 'ERR_OPEN_PACKAGES'
  /** There is no mini program in the folder, or its JSON is none. */
  | 'ERR_OPEN_FOLDER'
  /** A template cannot be compiled. */
  | 'ERR_OPEN_WXML'
  /** JavaScript or TypeScript cannot be compiled, or imports what is not there. */
  | 'ERR_OPEN_SCRIPT'

/** A mini program cannot be opened. `message` says where and why, in words for its developer. */
export class OpenError extends Error {
  override readonly name = 'OpenError'
  readonly code: OpenErrorCode

  constructor(code: OpenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
