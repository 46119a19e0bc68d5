// src/config/config.default.ts
export default {
  keys: process.env.MIDWAY_KEYS,
  koa: { port: Number(process.env.PORT), hostname: '127.0.0.1' },
}
