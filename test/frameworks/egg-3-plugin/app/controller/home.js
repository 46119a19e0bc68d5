const { Controller } = require('egg')
const { handlers } = require('../../handlers.mjs')

module.exports = class HomeController extends Controller {
  async me() {
    this.ctx.body = { user: this.ctx.$wxUserInfo }
  }

  async others() {
    await handlers[this.ctx.params.name]?.(this.ctx)
  }
}
