// config/config.default.js
module.exports = () => ({
  keys: process.env.EGG_KEYS,
  weappSession: {
    // What weappSession() takes.
    options: () => require('../weapp.mjs').options,
  },
  security: {
    // A mini program cannot know the token of a form. No page of another site can send its headers.
    csrf: { ignore: (ctx) => ctx.path.startsWith('/api/') },
  },
})
