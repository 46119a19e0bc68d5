// lib/plugin/egg-weapp-session/app.js
const { weappSession } = require('koa-weapp-session')

module.exports = class WeappSessionBoot {
  constructor(app) {
    this.app = app
  }

  /** After Egg's own middleware, before that of the app. */
  configWillLoad() {
    this.app.config.appMiddleware.unshift('weappSession')
  }

  configDidLoad() {
    this.app.weappSession = weappSession(this.app.config.weappSession.options())
  }

  /** Egg listens when the store answers. */
  async willReady() {
    await this.app.weappSession.ready()
  }

  async beforeClose() {
    await this.app.weappSession.close()
  }
}
