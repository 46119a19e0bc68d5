import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { freePort } from './redis.js'
import { until } from './until.js'

/** Starts an nginx in front of a server, as `proxy_pass` alone makes it; ends with the test. Resolves to its URL. */
export async function startNginx(
  t: ExecutionContext,
  upstream: string,
  directives: readonly string[] = [],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-nginx-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'temp'))
  const port = await freePort()
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, upstream, directives))

  await runNginx(t, folder, port)
  return `http://127.0.0.1:${port}`
}

/** What tells nginx to use a folder and its nginx.conf, and nothing else. */
export function nginxArguments(folder: string): string[] {
  return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
}

/** Runs nginx until the test ends; resolves when it listens, to what it has printed. */
export async function runNginx(t: ExecutionContext, folder: string, port: number): Promise<() => string> {
  const nginx = spawn('nginx', nginxArguments(folder), { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const isOver = once(nginx, 'exit')
  t.teardown(async () => {
    nginx.kill('SIGKILL')
    await isOver
  })

  await until(() => {
    if (nginx.exitCode !== null) throw new Error(`nginx has ended: ${said}`)
    return isListening(port)
  })
  return () => said
}

/** Everything that is not said here is nginx's default. One process, which needs no rights and writes nowhere else. */
function configuration(port: number, upstream: string, directives: readonly string[]): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
    daemon off;
    master_process off;
    pid nginx.pid;
    error_log stderr warn;
    events {}
    http {
      access_log off;
      ${folders.map((name) => `${name}_temp_path temp/${name};`).join('\n      ')}
      server {
        listen 127.0.0.1:${port};
        ${directives.map((directive) => `${directive};`).join('\n        ')}
        location / {
          proxy_pass ${upstream};
        }
      }
    }
  `
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
