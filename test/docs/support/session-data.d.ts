import 'koa-weapp-session'

/** What is in a session in examples that are JavaScript for their readers, so that they declare nothing. */
declare module 'koa-weapp-session' {
  interface SessionData {
    visits?: number
  }
}
