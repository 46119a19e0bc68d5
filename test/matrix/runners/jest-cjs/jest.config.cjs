// jest.config.cjs
module.exports = {
  testEnvironment: 'node',
  testMatch: ['**/*.test.cjs'],
  transform: {
    '\\.[cm]?js$': ['babel-jest', { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }],
  },
  // Jest's `require()` takes no modules of ECMAScript: these packages are some.
  transformIgnorePatterns: ['/node_modules/(?!(koa-weapp-session|weapp-simulator|jose)/)'],
}
