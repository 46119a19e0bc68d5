/** Prints a line of JSON. Of an error, what it says and what its causes say; of a mistake of ours (500), where too. */
export function printLine({ error, ...entry }: { error?: unknown; status?: number } & object): void {
  const isOurs = entry.status === 500 && error instanceof Error
  const line = {
    time: new Date().toISOString(),
    ...entry,
    ...(error !== undefined && { error: messagesOf(error) }),
    ...(isOurs && { stack: error.stack }),
  }
  console.log(JSON.stringify(line))
}

function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${messagesOf(error.cause)}`
}
