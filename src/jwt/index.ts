/**
 * koa-weapp-session/jwt: signed tokens as credentials.
 *
 * @module
 */
export { type JwtCarrierOptions, type JwtKey, jwtCarrier, type TokenClaims } from './carrier.js'
