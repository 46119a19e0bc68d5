// app/router.js
const { requireWxUser } = require('koa-weapp-session')

module.exports = ({ controller, router }) => {
  router.get('/members', requireWxUser(), controller.home.me)
  router.post('/api/me', controller.home.me)
  router.all('/:name', controller.home.others)
}
