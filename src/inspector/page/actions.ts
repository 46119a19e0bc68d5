/** Refused by the server, with its code and its sentence. */
export class ActionFailed extends Error {}

/**
 * Asks the server to do something.
 *
 * @throws {ActionFailed} with what the server said, or that it is gone
 */
export async function act<Result = object>(name: string, input: object = {}): Promise<Result> {
  const response = await fetch(urlOf(name), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(input),
  }).catch((error: Error) => {
    throw new ActionFailed(error.message)
  })
  const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string }
  if (!response.ok) throw new ActionFailed(body.message ?? `${response.status}`)
  return body as Result
}

/** Beside the script of this page, wherever the app is mounted. */
export function urlOf(name: string): string {
  return new URL(name, import.meta.url).href
}
