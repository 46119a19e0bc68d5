const isPlain = !process.stdout.isTTY || Boolean(process.env.NO_COLOR)
const style = (code: number) => (text: string) => (isPlain ? text : `\x1b[${code}m${text}\x1b[0m`)

export const bold: (text: string) => string = style(1)
export const dim: (text: string) => string = style(2)
const red = style(31)
const green = style(32)

/** What went over the wire for one request of the phone. */
export interface Exchange {
  method: string
  path: string
  headers: Record<string, string>
  status: number
  reason: string | undefined
  body: unknown
  /** What the server asked WeChat meanwhile. */
  calls: readonly { path: string; errcode?: number }[]
}

/** What each header is, for readers who see them for the first time. */
const MEANINGS: Record<string, string> = {
  'X-WX-Code': 'from wx.login()',
  'X-WX-RawData': 'from wx.getUserInfo(), sent percent-encoded',
  'X-WX-Signature': 'SHA-1 of rawData and session_key, made by WeChat',
}

export function printStep(
  title: string,
  { method, path, headers, status, reason, body, calls }: Exchange,
  why: string,
): void {
  console.log(`\n${bold(title)}`)
  console.log(`  phone  → server   ${method} ${path}`)
  for (const [name, value] of Object.entries(headers)) {
    console.log(
      `                    ${name}: ${shorten(decodeURIComponent(value))}  ${dim(MEANINGS[name] ?? '')}`,
    )
  }
  for (const { path, errcode } of calls) {
    console.log(
      `  server → WeChat   GET ${path}  ${dim(errcode ? `errcode ${errcode}` : 'openid, session_key')}`,
    )
  }
  const paint = status < 400 ? green : red
  console.log(`  server → phone    ${paint([status, reason].filter(Boolean).join('  '))}`)
  console.log(`                    ${JSON.stringify(body)}`)
  console.log(dim(`  ${why}`))
}

/** Long values are cut: nobody reads them to the end. */
function shorten(value: string): string {
  return value.length <= 48 ? value : `${value.slice(0, 48)}…`
}
