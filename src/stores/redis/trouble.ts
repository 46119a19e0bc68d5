/** What an error of Redis means for those whose requests it fails, and what to do about it. */
export interface Trouble {
  /** It stays until somebody mends it: to ask again in a second makes no sense. */
  lasts: boolean
  /** Whether the name of this server may lead to another one by now, which could do it. */
  hasMoved: boolean
  /** A sentence for the operator. */
  fix: string
}

/** What is known of an error: Redis tells its errors apart by the first word, which stands within others of a script. */
export function troubleOf(error: unknown): Trouble | undefined {
  const text = textOf(error)
  return TROUBLES.find(([pattern]) => pattern.test(text))?.[1]
}

/**
 * Whether an error stays until somebody changes a setting, here or in Redis. All others may pass: a Redis that starts
 * (ECONNREFUSED, LOADING), a name that is not there yet (ENOTFOUND, in Kubernetes), silence, a failover.
 */
export function isLasting(error: unknown): boolean {
  return troubleOf(error)?.lasts === true
}

/** Whether a server has refused HELLO, which RESP 3 begins with. */
export function isOfHello(error: unknown): boolean {
  return NO_HELLO.test(textOf(error))
}

/**
 * The same error without what was sent: Redis repeats the arguments of a command that it does not know, and HELLO has the
 * password.
 */
export function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error) || !ARGUMENTS.test(error.message)) return error
  return new Error(error.message.replace(ARGUMENTS, ''))
}

const ARGUMENTS = /,? with args beginning with:.*/is

/** With the errors that it has come from: of several addresses, or of a connection that was not made. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const others = error instanceof AggregateError ? error.errors : [error.cause]
  return [error.message, ...others.filter((other) => other instanceof Error).map(textOf)].join('\n')
}

const moved = (fix: string): Trouble => ({ lasts: false, hasMoved: true, fix })
const passes = (fix: string): Trouble => ({ lasts: false, hasMoved: false, fix })
const lasts = (fix: string): Trouble => ({ lasts: true, hasMoved: false, fix })

/** What Redis says to a user that may not run a command, by itself or in a script. */
export const DENIED: RegExp = /NOPERM|ACL failure|no permission|can't run this command/i

/** What servers say that have no HELLO, or may not be asked for it. */
const NO_HELLO = /unknown command.{1,3}hello|the 'hello' command|NOPROTO/i

/** redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors, and what Node and node-redis say. */
const TROUBLES: [RegExp, Trouble][] = [
  [/\bREADONLY\b/, moved('This is a replica. The store looks for the master under the same name.')],
  [/\bMASTERDOWN\b/, moved('This replica has lost its master. The store looks for one under the same name.')],
  [/\bLOADING\b/, passes('Redis is starting, and reads its data.')],
  [
    /\bMOVED \d|\bASK \d|CROSSSLOT|SELECT is not allowed in cluster mode/,
    lasts('This is a node of a cluster: use redisStore({ client: createCluster(…) }).'),
  ],
  [/\bCLUSTERDOWN\b/, passes('The cluster misses a master: look at CLUSTER INFO.')],
  [/\bOOM\b/, passes('Redis is full: give it more maxmemory.')],
  [/\bMISCONF\b/, passes('Redis cannot write to its disk, so it takes no writes: mend the disk.')],
  [/\bNOREPLICAS\b/, passes('Redis misses replicas (min-replicas-to-write), so it takes no writes.')],
  [/\bBUSY\b/, passes('A script of somebody else runs for long: look at SLOWLOG, or SCRIPT KILL.')],
  [
    /WRONGPASS|NOAUTH|without any password|invalid password/i,
    lasts('Correct the user and the password: redis://user:password@host:6379, percent-encoded.'),
  ],
  [
    NO_HELLO,
    lasts('This server, or its ACL, has no HELLO: give the client RESP: 2, which greets without it.'),
  ],
  [
    DENIED,
    lasts('Give its user the keys of the prefix (~wxs:*) and the commands that docs/deployment.md lists.'),
  ],
  [/\bWRONGTYPE\b/, lasts('Another program writes to keys of the same names: choose another prefix.')],
  [/DB index|invalid DB/i, lasts('Choose a database that Redis has: redis://host:6379/0.')],
  [
    /unknown command|syntax error|unknown subcommand/i,
    lasts('It needs Redis 6 or later, or Valkey, and no proxy that leaves out EVAL or SET … KEEPTTL.'),
  ],
  [/package 'redis'|Cannot find (package|module)/, lasts('npm install redis')],
  [
    /closed unexpectedly/,
    passes('If it stays so, compare the scheme with the server: rediss:// with TLS, redis:// without.'),
  ],
  [
    /wrong version number|packet length too long|record layer failure|certificate|SSL|TLS/i,
    lasts('Compare the scheme with the server: rediss:// with TLS, redis:// without.'),
  ],
  [/max number of clients/, passes('Redis has too many connections: raise maxclients.')],
  [/ECONNREFUSED/, passes('Start Redis, or correct the host and the port.')],
  [/ENOTFOUND|EAI_AGAIN/, passes('Correct the name of the host, or the DNS of this machine.')],
  [
    /timeout|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i,
    passes('Open the firewall or the security group between this machine and Redis.'),
  ],
]
