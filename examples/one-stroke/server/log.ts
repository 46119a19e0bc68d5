/**
 * Prints a line of JSON. Of an `error`, what it says and what its causes say; of a mistake of ours (500), where it
 * was, too.
 */
export function printLine(entry: object): void {
  const { error, ...fields } = entry as { error?: unknown; status?: number }
  const isOurs = fields.status === 500 && error instanceof Error
  const line = {
    time: new Date().toISOString(),
    ...fields,
    ...(error !== undefined && { error: messagesOf(error) }),
    ...(isOurs && { stack: error.stack }),
  }
  console.log(JSON.stringify(line))
}

function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${messagesOf(error.cause)}`
}
