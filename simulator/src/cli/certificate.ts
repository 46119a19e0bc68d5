import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A key and its certificate, the names that it is for, and where the certificate lies. */
export interface Certificate {
  key: string
  cert: string
  hosts: readonly string[]
  path: string
}

/** Why there is no certificate. */
export class CertificateError extends Error {
  readonly code: 'ERR_NO_OPENSSL' | 'ERR_OPENSSL'

  constructor(code: CertificateError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The names of WeChat's servers: developers.weixin.qq.com/doc/service/Basic_Information/Interface_field_description.html */
const HOSTS = [
  'api.weixin.qq.com',
  'api2.weixin.qq.com',
  'sh.api.weixin.qq.com',
  'sz.api.weixin.qq.com',
  'hk.api.weixin.qq.com',
]

/** Browsers and Apple's systems refuse what is good for longer. */
const DAYS = 397

/**
 * The certificate in a folder, which is made there when there is none, or the old one is nearly over. It vouches for
 * WeChat's names and localhost alone: it is no authority, so that its key can sign nothing else.
 *
 * @throws {CertificateError} ERR_NO_OPENSSL: Node makes no certificates by itself; ERR_OPENSSL: openssl says why not
 */
export function certificateIn(folder: string): Certificate {
  const [keyPath, path] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  if (!isGood(keyPath, path)) make(folder, keyPath, path)
  return { key: readFileSync(keyPath, 'utf8'), cert: readFileSync(path, 'utf8'), hosts: HOSTS, path }
}

function isGood(keyPath: string, path: string): boolean {
  if (!existsSync(keyPath) || !existsSync(path)) return false
  try {
    const certificate = new X509Certificate(readFileSync(path))
    const isInTime = Date.parse(certificate.validTo) > Date.now() + 7 * 86_400_000
    const isForAll = HOSTS.every((host) => certificate.checkHost(host) !== undefined)
    return isInTime && isForAll && certificate.checkPrivateKey(createPrivateKey(readFileSync(keyPath)))
  } catch {
    return false
  }
}

function make(folder: string, keyPath: string, path: string): void {
  const draft = mkdtempSync(join(tmpdir(), 'weapp-simulator-'))
  try {
    const [config, key, cert] = ['openssl.cnf', 'key.pem', 'cert.pem'].map((name) => join(draft, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(config, CONFIG)
    openssl(
      'req',
      '-x509',
      '-new',
      '-nodes',
      '-sha256',
      '-newkey',
      'rsa:2048',
      '-days',
      `${DAYS}`,
      ...[...['-config', config, '-keyout', key, '-out', cert]],
    )
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    place(key, keyPath, 0o600)
    place(cert, path, 0o644)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** The folder may be on another disk. */
function place(from: string, to: string, mode: number): void {
  writeFileSync(`${to}.tmp`, readFileSync(from), { mode })
  renameSync(`${to}.tmp`, to)
}

function openssl(...args: string[]): void {
  const { error, status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (error) throw new CertificateError('ERR_NO_OPENSSL', error.message)
  if (status !== 0) throw new CertificateError('ERR_OPENSSL', stderr.trim())
}

// A configuration of its own: what the machine's says differs, and LibreSSL knows no -addext.
const CONFIG = `
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = weapp-simulator (this machine alone)
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, ${HOSTS.map((host) => `DNS:${host}`).join(', ')}
`
