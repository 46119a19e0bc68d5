// config/config.default.js
module.exports = () => ({
  keys: process.env.EGG_KEYS,
  // After Egg's own: what its security refuses, no session sees.
  middleware: ['weappSession'],
  security: {
    // A mini program cannot know the token of a form. No page of another site can send its headers.
    csrf: { ignore: (ctx) => ctx.path.startsWith('/api/') },
  },
})
