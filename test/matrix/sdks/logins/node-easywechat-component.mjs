import { OpenPlatform } from 'node-easywechat'

// A third-party platform, for a mini program whose AppSecret it does not have.
export function create({ component, folder }) {
  const {
    appId: app_id,
    appSecret: secret,
    verifyTicket,
    authorizationCode,
    token,
    encodingAesKey: aes_key,
  } = component
  const platform = new OpenPlatform({
    app_id,
    secret,
    token,
    aes_key,
    file_cache: { path: folder },
    http: { throw: false },
  })
  let miniApp

  return {
    async login(code) {
      miniApp ??= await authorized()
      return miniApp.getUtils().code2Session(code)
    },
    token: async () => ({ access_token: await miniApp.getAccessToken().getToken() }),
    async phone(code) {
      const answer = await miniApp.getClient().postJson('/wxa/business/getuserphonenumber', { code })
      return answer.toObject()
    },
  }

  async function authorized() {
    await platform.getVerifyTicket().setTicket(verifyTicket)
    const authorization = await platform.getAuthorization(authorizationCode)
    return platform.getMiniAppWithRefreshToken(authorization.getAppId(), authorization.getRefreshToken())
  }
}
