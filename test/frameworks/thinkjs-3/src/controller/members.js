// src/controller/members.js
const { requireWxUser } = require('koa-weapp-session')

const requireUser = requireWxUser()

module.exports = class MembersController extends think.Controller {
  /** `false` ends the request here: requireWxUser() has answered it. */
  async __before() {
    let hasUser = false
    await requireUser(this.ctx, async () => {
      hasUser = true
    })
    return hasUser
  }

  indexAction() {
    this.ctx.body = { user: this.ctx.$wxUserInfo }
  }
}
