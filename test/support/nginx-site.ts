import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { nginxArguments, runNginx } from './nginx.js'
import { freePort } from './redis.js'

export interface Site {
  url: string
  port: number
  /** The certificate, to be trusted by clients. */
  ca: string
  /** What `nginx -t` said of the configuration. */
  verdict: string
  /** What nginx has printed: errors, and what it complains of. */
  said(): string
}

/** Starts an nginx with deploy/nginx.conf, or another, in front of two addresses, as `localhost`; ends with the test. */
export async function startSite(
  t: ExecutionContext,
  apps: readonly [string, string],
  template = deployedSite(),
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-site-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'temp'))
  const port = await freePort()
  const ca = makeCertificate(folder)
  const words = {
    SERVER_NAME: 'localhost',
    LISTEN: `127.0.0.1:${port}`,
    CERTIFICATES: folder,
    APP_1: apps[0],
    APP_2: apps[1],
  }
  writeFileSync(join(folder, 'site.conf'), fillIn(template, words))
  writeFileSync(join(folder, 'nginx.conf'), MAIN)

  const { stderr: verdict, status } = spawnSync('nginx', [...nginxArguments(folder), '-t'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`nginx does not take the site: ${verdict}`)
  const said = await runNginx(t, folder, port)
  return { url: `https://localhost:${port}`, port, ca, verdict, said }
}

/** deploy/nginx.conf, with its words not filled in yet. */
export function deployedSite(): string {
  return readFileSync(new URL('../../deploy/nginx.conf', import.meta.url), 'utf8')
}

/** What is around the site: as in Debian's nginx.conf, but in one process, which needs no rights. */
const MAIN = `
  daemon off;
  master_process off;
  pid nginx.pid;
  error_log stderr warn;
  events {}
  http {
    access_log off;
    default_type application/octet-stream;
    ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp/${name};`).join(' ')}
    include site.conf;
  }
`

/** As envsubst does it, for these words alone: nginx has variables of its own. */
function fillIn(template: string, words: Record<string, string>): string {
  return template.replace(/\$\{(\w+)\}/g, (_, word: string) => {
    const value = words[word]
    if (value === undefined) throw new Error(`the site has a word that nothing fills in: ${word}`)
    return value
  })
}

/** Throw-away: fullchain.pem and privkey.pem of `localhost`. */
function makeCertificate(folder: string): string {
  const [certificate, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')]
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', key, '-out', certificate],
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return readFileSync(certificate, 'utf8')
}
