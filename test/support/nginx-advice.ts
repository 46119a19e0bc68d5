import { readFileSync } from 'node:fs'

/** The nginx of docs/deployment.md, word for word but for what everybody fills in: names, addresses, certificates. */
export function advisedSite(): string {
  const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')
  const [, text = ''] = /```nginx\n([\s\S]*?)```/.exec(page) ?? []
  const replaced: [string, string][] = [
    ['443', word('LISTEN')],
    ['api.example.com;', `${word('SERVER_NAME')};`],
    ['/etc/nginx/tls/api.example.com.crt', `${word('CERTIFICATES')}/fullchain.pem`],
    ['/etc/nginx/tls/api.example.com.key', `${word('CERTIFICATES')}/privkey.pem`],
    ['127.0.0.1:3000', word('APP_1')],
    ['127.0.0.1:3001', word('APP_2')],
  ]
  return replaced.reduce((site, [advised, filled]) => {
    if (!site.includes(advised)) throw new Error(`docs/deployment.md does not say any more: ${advised}`)
    return site.replace(advised, filled)
  }, text)
}

/** What the same page says for a load balancer in front: lines of `http {}`, in which only the addresses are ours. */
export function advisedRealIp(): string {
  const page = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8')
  const lines = [...page.matchAll(/`((?:set_real_ip_from|real_ip_\w+) [^`]+)`/g)].map(
    ([, line]) => line ?? '',
  )
  if (lines.length !== 3) throw new Error(`docs/deployment.md says ${lines.length} lines for a load balancer`)
  return lines.map((line) => `${line.replace('10.0.0.0/8', '127.0.0.1')};`).join('\n')
}

/** As the template in deploy/ has them. */
function word(name: string): string {
  return `\${${name}}`
}
