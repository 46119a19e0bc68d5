const { handlers } = require('../handlers.mjs')

module.exports = class RoutesController extends think.Controller {
  async othersAction() {
    await handlers[this.ctx.param('name')]?.(this.ctx)
  }
}
