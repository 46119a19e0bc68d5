/**
 * Where the server is: HTTPS, and in the list of domains of your mini program (开发管理 → 服务器域名). While you
 * develop, DevTools takes any address (详情 → 本地设置 → 不校验合法域名).
 */
module.exports = { baseUrl: 'http://127.0.0.1:3000' }
