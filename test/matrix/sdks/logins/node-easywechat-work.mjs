import { Work } from 'node-easywechat'

// 企业微信: there is no call for a login in it, but a client that has the enterprise's token.
export function create({ wecom, folder }) {
  const { corpId: corp_id, corpSecret: secret } = wecom
  const app = new Work({
    corp_id,
    secret,
    token: 'x',
    aes_key: 'x',
    file_cache: { path: folder },
    http: { throw: false },
  })
  return {
    async login(js_code) {
      const params = { js_code, grant_type: 'authorization_code' }
      const answer = await app.getClient().get('/cgi-bin/miniprogram/jscode2session', { params })
      const session = answer.toObject()
      if (session.errcode) throw new Error(session.errmsg)
      return { openid: session.userid, session_key: session.session_key }
    },
    token: async () => ({ access_token: await app.getAccessToken().getToken() }),
  }
}
