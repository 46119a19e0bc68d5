// jest.config.cjs
module.exports = {
  testEnvironment: 'node',
  testMatch: ['**/*.spec.ts'],
  transform: { '\\.[cm]?[jt]s$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
  // Jest's `require()` takes no modules of ECMAScript: these packages are some, and become CommonJS.
  transformIgnorePatterns: ['/node_modules/(?!(koa-weapp-session|weapp-simulator|jose)/)'],
}
