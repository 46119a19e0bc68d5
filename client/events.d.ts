export * from './dist/events'
