/** A call of WeChat's API, whichever way it came. */
export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  body: string
}

/** An HTTP answer of WeChat's API. */
export interface Answer {
  status: number
  contentType: string
  body: string | Uint8Array<ArrayBuffer>
}

/** What becomes of a call: an answer or none, after `delay` milliseconds. */
export interface Reply {
  delay: number
  outcome: Answer | 'hang' | 'lost' | 'reset'
}

/** The fields of an answer's JSON. */
export type Body = Record<string, unknown>

/** A page as a gateway in front of WeChat sends it. */
export function htmlPage(status: number, body?: string): Answer {
  const page = `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n</body>\r\n</html>\r\n`
  return { status, contentType: 'text/html', body: body ?? page }
}
