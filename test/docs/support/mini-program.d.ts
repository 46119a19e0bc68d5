/** The module that a mini program has its session in: see docs/client.md. */
declare module '*/utils/session' {
  const session: import('weapp-session-client').Session
  export = session
}

declare module '*/utils/http' {
  const http: import('weapp-session-client/http').Http
  export = http
}
