/** What `npm run bench` writes into docs/performance.md, in Chinese: each heading and each cell of a table by itself. */
export function inChinese(figures: string): string {
  return figures
    .split('\n')
    .map((line) =>
      line.startsWith('|')
        ? line.replace(/[^|]+/g, (cell) => ` ${sayCell(cell.trim())} `).trim()
        : sayLine(line),
    )
    .join('\n')
}

function sayLine(line: string): string {
  const measured = /^Measured with Node (\S+), (\d+) rounds, medians; (.*)\.$/.exec(line)
  if (measured) return `用 Node ${measured[1]} 测得，${measured[2]} 轮，取中位数；${measured[3]}。`
  if (line.startsWith('![')) return '![各服务每个请求的 CPU 开销](../images/performance.svg)'
  return line.startsWith('## ') ? `## ${say(line.slice(3))}` : line
}

function sayCell(cell: string): string {
  const [, bold] = /^\*\*(.*)\*\*$/.exec(cell) ?? []
  return bold ? `**${say(bold)}**` : say(cell)
}

function say(words: string): string {
  if (!/[a-z]/i.test(words) || SAME.includes(words)) return words
  const said = CHINESE[words]
  if (!said) throw new Error(`bench/chinese.ts has no words for: ${words}`)
  return said
}

const SAME = ['MB', 'koa-session', 'express-session', 'wafer-node-session']

const CHINESE: Record<string, string> = {
  Ratios: '比值',
  'A known session': '已登录的请求',
  'A login': '登录',
  'Bytes of Redis for each logged-in user': '每个已登录用户占用的 Redis 字节数',

  what: '测什么',
  beside: '与什么比',
  target: '目标',
  measured: '测得',
  server: '服务',
  'CPU µs per request': 'CPU 微秒/请求',
  '÷ bare Koa': '÷ 裸 Koa',
  'requests/s': '请求/秒',
  'p50 ms': 'p50 毫秒',
  'p99 ms': 'p99 毫秒',
  'kept by': '由谁存储',
  bytes: '字节',

  'known session, cache on': '已登录的请求，缓存开',
  'known session, cache off (the default)': '已登录的请求，缓存关（默认）',
  'jwt carrier, token seen before': 'jwt 凭证载体，见过的 token',
  login: '登录',

  'bare Koa': '裸 Koa',
  'Koa + Map of parsed sessions': 'Koa + 解析好的会话的 Map',
  'Koa + one GET, node-redis tuned': 'Koa + 一次 GET，调优的 node-redis',
  'Koa + one GET, node-redis as it comes': 'Koa + 一次 GET，node-redis 默认设置',
  'this, code carrier': '本包，code 凭证载体',
  'this, code carrier, cache on': '本包，code 凭证载体，缓存开',
  'this, code carrier, an older session makes room': '本包，code 凭证载体，淘汰旧会话',
  'this, header carrier': '本包，header 凭证载体',
  'this, header carrier, cache on': '本包，header 凭证载体，缓存开',
  'this, cookie carrier': '本包，cookie 凭证载体',
  'this, jwt carrier': '本包，jwt 凭证载体',
  'koa-session on Redis': 'koa-session，Redis',
  'koa-jwt (HS256, key object)': 'koa-jwt（HS256，密钥对象）',
  'express-session on Redis': 'express-session，Redis',
  'wafer-node-session on Redis': 'wafer-node-session，Redis',
  'Koa + keep-alive exchange + SHA-1 + one SET': 'Koa + 长连接换取 + SHA-1 + 一次 SET',

  'this: session and index': '本包：会话和索引',
  'raw key and JSON': '原始的键和 JSON',
}
