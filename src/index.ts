/**
 * koa-weapp-session: sessions for WeChat mini programs.
 *
 * @module
 */
export type { Carrier } from './carriers/carrier.js'
export { type CloudRunOptions, cloudRun, type Trust } from './carriers/cloud-run.js'
export { codeCarrier } from './carriers/code.js'
export { type CookieCarrierOptions, cookieCarrier } from './carriers/cookie.js'
export { type HeaderCarrierOptions, headerCarrier } from './carriers/header.js'
export type { Checked } from './check.js'
export type { CarrierKind } from './crypto/ids.js'
export type { Diagnostics, StoreCall, StoreOutcome } from './diagnostics.js'
export { type RefusalOptions, WeappSessionError } from './errors.js'
export { type WeappSession, weappSession } from './middleware.js'
export type { WeappSessionOptions } from './options.js'
export type { Reason, RefusalBody } from './protocol.js'
export { requireWxUser, type UserMiddleware } from './require-user.js'
export type {
  DeclaredData,
  RequestContext,
  SessionData,
  UserContext,
  WithUser,
  WxSession,
} from './session/session.js'
export { type MemoryStoreOptions, memoryStore } from './stores/memory/store.js'
export type { RedisCacheOptions } from './stores/redis/cache.js'
export type { RedisClient, ScriptOptions } from './stores/redis/client.js'
export type { IoredisClient } from './stores/redis/clients/ioredis.js'
export { type RedisStoreOptions, redisStore } from './stores/redis/store.js'
export type {
  Claim,
  Entry,
  NewSession,
  RememberedRefusal,
  SessionRecord,
  SessionStore,
  StoredSession,
  Taking,
} from './stores/store.js'
export type { Problem } from './util/problem.js'
export type { GetPhoneNumberOptions, PhoneNumber, Wechat, WechatAppOptions } from './wechat/api.js'
export { WechatApiError, type WechatApiErrorCode, type WechatApiErrorOptions } from './wechat/api-error.js'
export type { EncryptedData, Profile, WxUserInfo } from './wechat/user-info.js'
export { exposedHeaders } from './wire.js'
