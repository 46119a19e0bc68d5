import { MiniApp } from 'node-easywechat'

export function create({ appId: app_id, appSecret: secret, folder }) {
  const file = { path: folder }
  const app = new MiniApp({
    app_id,
    secret,
    use_stable_access_token: true,
    file_cache: file,
    http: { throw: false },
  })
  return {
    login: (code) => app.getUtils().codeToSession(code),
    token: async () => ({ access_token: await app.getAccessToken().getToken() }),
    async phone(code) {
      const answer = await app.getClient().postJson('/wxa/business/getuserphonenumber', { code })
      return answer.toObject()
    },
  }
}
