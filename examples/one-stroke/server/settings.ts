import { resolve } from 'node:path'

/** What the server is told by its environment. */
export interface Settings {
  port: number
  host: string
  redisUrl: string
  appId: string
  appSecret: string
  /** Where drawings are kept. */
  drawings: { mongoUrl: string } | { folder: string }
  /** Whether `X-Forwarded-…` headers come from our own proxy. */
  trustProxy: boolean
  /** ms for which connections are still accepted when the server is to end. */
  shutdownDelay: number
  /** Where WeChat's API is. */
  wechatUrl?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** A setting that makes no sense. The message names the variable, and says what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/**
 * Reads what the environment says.
 *
 * @throws {SettingsError} about the first variable that makes no sense
 */
export function readSettings(env: Environment): Settings {
  const mongoUrl = optionalUrl(
    env,
    'MONGO_URL',
    /^mongodb(\+srv)?:\/\/[^/]/,
    'mongodb://127.0.0.1:27017/one-stroke',
  )
  const wechatUrl = optionalUrl(env, 'WECHAT_URL', /^https?:\/\/[^/]/, 'https://api.weixin.qq.com')
  return {
    port: readPort(env),
    host: env.HOST || '127.0.0.1',
    redisUrl: readRedisUrl(env),
    appId: required(env, 'WEAPP_ID', 'the AppID (wx…) from 开发管理 in the mini program console'),
    appSecret: required(env, 'WEAPP_SECRET', 'the AppSecret from 开发管理 in the mini program console'),
    drawings: mongoUrl ? { mongoUrl } : { folder: resolve(env.DATA_DIR || 'data') },
    trustProxy: readSwitch(env, 'TRUST_PROXY'),
    shutdownDelay: readShutdownDelay(env),
    ...(wechatUrl && { wechatUrl }),
  }
}

function readPort({ PORT = '3000' }: Environment): number {
  if (/^\d{1,5}$/.test(PORT) && Number(PORT) <= 65535) return Number(PORT)
  throw new SettingsError('PORT is no port: set it to a number from 0 to 65535, or leave it out for 3000.')
}

function readRedisUrl(env: Environment): string {
  const url = optionalUrl(env, 'REDIS_URL', /^rediss?:\/\/[^/]/, 'redis://127.0.0.1:6379')
  if (url) return url
  throw new SettingsError(
    'REDIS_URL is missing: set it to the Redis that keeps the sessions, like redis://127.0.0.1:6379.',
  )
}

function required(env: Environment, name: string, what: string): string {
  const value = env[name]
  if (value) return value
  throw new SettingsError(`${name} is missing: set it to ${what}.`)
}

/** Values are not repeated in messages: a URL may have a password in it. */
function optionalUrl(env: Environment, name: string, start: RegExp, example: string): string | undefined {
  const url = env[name]
  if (!url) return undefined
  if (start.test(url)) return url
  throw new SettingsError(`${name} is no URL of the right kind: it looks like ${example}.`)
}

function readShutdownDelay({ SHUTDOWN_DELAY = '0' }: Environment): number {
  if (/^\d{1,5}$/.test(SHUTDOWN_DELAY)) return Number(SHUTDOWN_DELAY)
  throw new SettingsError('SHUTDOWN_DELAY is no time: set it to a number of ms, or leave it out for 0.')
}

function readSwitch(env: Environment, name: string): boolean {
  const value = env[name] || '0'
  if (value === '0' || value === '1') return value === '1'
  throw new SettingsError(
    `${name} is neither 0 nor 1: set it to 1 behind a proxy that sets X-Forwarded-For itself, else leave it out.`,
  )
}
