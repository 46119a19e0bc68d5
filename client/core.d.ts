export * from './dist/core'
