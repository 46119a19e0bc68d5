/** What `eval` and `evalSha` take: the one key of the script, and its arguments. */
export interface ScriptOptions {
  /** One key: so each script runs on a cluster, too. */
  keys: string[]
  /** Numbers are printed. */
  arguments: string[]
}

/**
 * The commands that the store uses. A client, a pool, a cluster or a sentinel of the package `redis` (5 and 6) has them; those of
 * other packages have an adapter in clients/.
 */
export interface RedisClient {
  readonly isOpen: boolean
  readonly isReady?: boolean
  connect(): Promise<unknown>
  destroy(): unknown
  /** Whether its connection keeps the process alive. */
  ref?(): void
  unref?(): void
  /** Another client of the same options, not connected. */
  duplicate?(overrides?: object): RedisClient | Promise<RedisClient>
  /** Any command: of a cluster and of a sentinel, with arguments of their own before it. */
  sendCommand?(...args: unknown[]): Promise<unknown>
  /** The same client, with other options for its commands. */
  withCommandOptions?(options: object): RedisClient
  on(event: 'connect' | 'error' | 'ready' | 'reconnecting', listener: (error: Error) => void): unknown
  /** A cluster has no `info()`: the store asks its masters. */
  info?(section: string): Promise<string>
  ping?(): Promise<unknown>
  get(key: string): Promise<string | null>
  pTTL(key: string): Promise<number>
  hGet(key: string, field: string): Promise<string | null | undefined>
  hDel(key: string, fields: string[]): Promise<unknown>
  hGetAll(key: string): Promise<Record<string, string>>
  eval(script: string, options: ScriptOptions): Promise<unknown>
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
}
