/** What `eval` and its like take: the one key of the script, and its arguments. */
export interface ScriptOptions {
  /** One: each script works on a single key, so that it is right on a cluster. */
  keys: string[]
  /** Texts; numbers are printed. */
  arguments: string[]
}

/** The commands used here. A client, a cluster or a sentinel from the `redis` package (6) has them. */
export interface RedisClient {
  readonly isOpen: boolean
  readonly isReady?: boolean
  connect(): Promise<unknown>
  destroy(): unknown
  /** The same client, with other options for its commands. */
  withCommandOptions?(options: object): RedisClient
  on(event: 'error' | 'ready', listener: (error: Error) => void): unknown
  /** A cluster has none of its own: it is asked of its masters. */
  info?(section: string): Promise<string>
  get(key: string): Promise<string | null>
  pTTL(key: string): Promise<number>
  hGet(key: string, field: string): Promise<string | null | undefined>
  hDel(key: string, fields: string[]): Promise<unknown>
  hGetAll(key: string): Promise<Record<string, string>>
  eval(script: string, options: ScriptOptions): Promise<unknown>
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
}
