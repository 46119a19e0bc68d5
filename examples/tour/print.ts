import type { Exchange } from './wire.js'

const isPlain = !process.stdout.isTTY || Boolean(process.env.NO_COLOR)
const style = (code: number) => (text: string) => (isPlain ? text : `\x1b[${code}m${text}\x1b[0m`)

export const bold: (text: string) => string = style(1)
export const dim: (text: string) => string = style(2)
const red = style(31)
const green = style(32)

/** What each header is, for readers who see them for the first time. */
const MEANINGS: Record<string, string> = {
  'Weapp-Code': 'from wx.login()',
  'Weapp-RawData': 'from wx.getUserInfo(), sent percent-encoded',
  'Weapp-Signature': 'SHA-1 of rawData and session_key, made by WeChat',
}

/** How many exchanges of one step are shown; of the others, only what they came to. */
const SHOWN = 3

export function printStep(title: string, exchanges: Exchange[], why: string): void {
  console.log(`\n${bold(title)}`)
  exchanges.slice(0, SHOWN).forEach(printExchange)
  const rest = exchanges.slice(SHOWN)
  if (rest.length > 0) {
    const outcomes = [...new Set(rest.map(outcomeOf))].map((outcome) => {
      return `${rest.filter((exchange) => outcomeOf(exchange) === outcome).length} × ${outcome}`
    })
    console.log(`  … and ${rest.length} more: ${outcomes.join(', ')}`)
  }
  console.log(dim(`  ${why}`))
}

function printExchange(exchange: Exchange): void {
  const { method, path, headers, status, body, calls } = exchange
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
  console.log(`  server → phone    ${paint(outcomeOf(exchange))}`)
  console.log(`                    ${JSON.stringify(body)}`)
}

function outcomeOf({ status, reason }: Exchange): string {
  return [status, reason].filter(Boolean).join('  ')
}

/** Long values are cut: nobody reads them to the end. */
function shorten(value: string): string {
  return value.length <= 48 ? value : `${value.slice(0, 48)}…`
}
