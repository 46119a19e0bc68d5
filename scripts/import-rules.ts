/**
 * Which file may import which. `npm run lint` checks it; the rules are explained in CONTRIBUTING.md.
 *
 * A path that ends in `/` stands for everything under that folder.
 */

/** The direction of imports in `src/`. A file imports files of its own layer and of the layers below it. */
export const LAYERS: Layer[] = [
  {
    name: 'entry points',
    paths: ['src/index.ts', 'src/bridge/', 'src/doctor.ts', 'src/inspector/', 'src/testing/'],
  },
  {
    name: 'middleware',
    paths: [
      'src/middleware.ts',
      'src/check.ts',
      'src/handshake.ts',
      'src/require-user.ts',
      'src/respond.ts',
      'src/witness.ts',
    ],
  },
  {
    name: 'mini-program',
    paths: [
      'src/mini-program.ts',
      'src/options.ts',
      'src/option-checks.ts',
      'src/app-id-reader.ts',
      'src/debug.ts',
    ],
  },
  {
    name: 'login, session, carriers, jwt',
    paths: ['src/login/', 'src/session/', 'src/carriers/', 'src/jwt/'],
  },
  {
    name: 'stores, crypto, wechat',
    paths: ['src/stores/', 'src/crypto/', 'src/wechat/', 'src/inspection.ts'],
  },
  {
    name: 'util, protocol, errors',
    paths: ['src/util/', 'src/protocol.ts', 'src/wire.ts', 'src/errors.ts', 'src/diagnostics.ts'],
  },
]

/** What the layers do not say. */
export const LIMITS: Limit[] = [
  {
    from: ['src/login/', 'src/session/', 'src/carriers/', 'src/jwt/'],
    target: ['src/stores/'],
    allowed: ['src/stores/store.ts'],
    rule: 'A session does not know where it is kept: of src/stores/ it imports store.ts alone',
  },
  {
    from: ['src/'],
    target: ['src/inspector/'],
    allowed: [],
    exempt: ['src/inspector/'],
    rule: 'The inspector is for development: nothing of the server loads it',
  },
  {
    from: ['src/testing/'],
    target: ['src/'],
    allowed: ['src/testing/', 'src/stores/store.ts'],
    rule: 'The store contract holds for every store: it imports src/stores/store.ts alone',
  },
  {
    from: ['client/src/'],
    target: ['src/'],
    allowed: ['src/protocol.ts'],
    rule: 'The client runs in a mini program: of the server it imports src/protocol.ts alone',
  },
  {
    from: ['simulator/'],
    target: ['src/', 'client/'],
    allowed: [],
    rule: 'The simulator stands for WeChat: it imports nothing of the server or the client',
  },
  {
    from: ['src/'],
    target: ['simulator/', 'client/', 'test/', 'scripts/', 'examples/', 'bench/'],
    allowed: [],
    rule: 'The server is published without the rest of the project',
  },
]

/** Packages that only one part of the server may load. */
export const PACKAGES: Record<string, string[]> = {
  debug: ['src/debug.ts'],
  jose: ['src/jwt/'],
  redis: ['src/stores/redis/'],
  undici: ['src/wechat/'],
  ws: ['simulator/'],
}

/**
 * Imports that break a rule, or close a circle, today. Remove an entry together with the import: an entry that nothing
 * needs fails too.
 */
export const EXCEPTIONS: Exception[] = []

export interface Layer {
  name: string
  paths: string[]
}

export interface Limit {
  /** Whose imports are limited. */
  from: string[]
  /** Which imported files the limit is about. */
  target: string[]
  /** Which of those are allowed. */
  allowed: string[]
  /** Files in `from` that the limit is not about. */
  exempt?: string[]
  /** Printed when the limit is broken. */
  rule: string
}

export interface Exception {
  from: string
  to: string
  reason: string
}
