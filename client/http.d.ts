export * from './dist/http'
