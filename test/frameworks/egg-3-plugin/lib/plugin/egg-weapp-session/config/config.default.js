// lib/plugin/egg-weapp-session/config/config.default.js
module.exports = () => ({
  weappSession: {
    // A function: Egg reads the config of an app several times, in its agent too, and copies what it finds.
    options() {
      throw new TypeError('config.weappSession.options() has to return the options of weappSession()')
    },
  },
})
