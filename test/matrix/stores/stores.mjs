/**
 * Stores of others, each made as its documents say, over a database that runs. `at`: where those are, and a folder for files.
 * Each gives the store, and what ends it.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'

const require = createRequire(import.meta.url)

export const express = {
  async 'express-session'() {
    return { store: new session.MemoryStore(), end() {} }
  },

  async 'connect-redis'(at) {
    const { RedisStore } = await import('connect-redis')
    const { createClient } = await import('redis')
    const client = createClient({ url: at.redis })
    await client.connect()
    return { store: new RedisStore({ client }), end: () => client.destroy() }
  },

  async 'connect-pg-simple'(at) {
    const PgStore = require('connect-pg-simple')(session)
    const store = new PgStore({
      conString: at.postgres,
      createTableIfMissing: true,
      pruneSessionInterval: false,
    })
    return { store, end: () => store.close() }
  },

  async memorystore() {
    const MemoryStore = require('memorystore')(session)
    const store = new MemoryStore({ checkPeriod: 86_400_000 })
    return { store, end: () => store.stopInterval() }
  },

  async 'connect-session-knex'(at) {
    const { ConnectSessionKnexStore } = require('connect-session-knex')
    const knex = require('knex')({ client: 'pg', connection: at.postgres })
    const store = new ConnectSessionKnexStore({ knex, tableName: 'knex_sessions', cleanupInterval: 0 })
    await store.ready
    return { store, end: () => knex.destroy() }
  },

  async 'connect-dynamodb'() {
    const server = require('dynalite')({ createTableMs: 0 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { DynamoDBClient } = createRequire(require.resolve('connect-dynamodb'))('@aws-sdk/client-dynamodb')
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${server.address().port}`,
      region: 'local',
      credentials: { accessKeyId: 'of', secretAccessKey: 'nobody' },
    })
    const DynamoDBStore = require('connect-dynamodb')(session)
    const store = new DynamoDBStore({ client })
    await store.initialize()
    const end = () => {
      client.destroy()
      server.close()
    }
    return { store, end }
  },

  async 'connect-session-sequelize'(at) {
    const { DATE, STRING, Sequelize, TEXT } = require('sequelize')
    const db = new Sequelize(at.postgres, { logging: false })
    // A table of one's own: that of the store has room for 36 characters.
    db.define('Session', { sid: { type: STRING(100), primaryKey: true }, expires: DATE, data: TEXT })
    const SequelizeStore = require('connect-session-sequelize')(session.Store)
    const store = new SequelizeStore({ db, table: 'Session', checkExpirationInterval: -1 })
    await store.sync()
    return { store, end: () => db.close() }
  },

  async 'express-mysql-session'(at) {
    const MySQLStore = require('express-mysql-session')(session)
    const store = new MySQLStore({ ...at.mysql, database: 'weapp', clearExpired: false })
    await store.onReady()
    return { store, end: () => store.close() }
  },

  async 'connect-loki'(at) {
    const LokiStore = require('connect-loki')(session)
    const store = new LokiStore({ path: join(at.folder, 'loki.db'), autosave: false })
    await once(store, 'connect')
    return { store, end: () => store.client.close() }
  },

  async 'session-file-store'(at) {
    const FileStore = require('session-file-store')(session)
    const store = new FileStore({ path: join(at.folder, 'files'), retries: 0, reapInterval: -1, logFn() {} })
    return { store, end() {} }
  },

  async 'connect-memcached'(at) {
    const MemcachedStore = require('connect-memcached')(session)
    const store = new MemcachedStore({ hosts: [at.memcached] })
    return { store, end: () => store.client.end() }
  },
}

export const koa = {
  async 'koa-redis'(at) {
    const store = require('koa-redis')({
      url: at.redis,
      host: '127.0.0.1',
      port: Number(new URL(at.redis).port),
    })
    return { store, end: () => store.quit() }
  },

  async 'koa-generic-session'() {
    const MemoryStore = require('koa-generic-session/lib/memory_store')
    return { store: new MemoryStore(), end() {} }
  },

  async 'koa-session-local'() {
    const LocalSessionStore = require('koa-session-local')
    return { store: new LocalSessionStore(), end() {} }
  },

  async 'koa-session-memory'() {
    const MemoryStore = require('koa-session-memory')
    return { store: new MemoryStore(), end() {} }
  },

  async 'koa-session-knex-store'(at) {
    const knex = require('knex')({ client: 'pg', connection: at.postgres })
    const store = require('koa-session-knex-store')(knex, { createtable: true, tablename: 'koa_sessions' })
    // Its table is made by then.
    await store.get('first')
    return { store, end: () => knex.destroy() }
  },

  async 'koa-session-redis-store'(at) {
    const store = require('koa-session-redis-store')({ url: at.redis })
    await once(store, 'ready')
    return { store, end: () => store.client.quit() }
  },

  async 'koa-mysql-session'() {
    const MysqlStore = require('koa-mysql-session')
    // Without its constructor, which leaves a timer that nobody can end.
    return { store: Object.create(MysqlStore.prototype), end() {} }
  },
}
