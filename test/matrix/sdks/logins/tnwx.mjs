import accessToken from '@tnwx/accesstoken'
import miniProgram from '@tnwx/miniprogram'

const { AccessTokenApi, ApiConfig, ApiConfigKit } = accessToken
const { MiniProgramApi } = miniProgram

export function create({ appId, appSecret }) {
  ApiConfigKit.putApiConfig(new ApiConfig(appId, appSecret))
  ApiConfigKit.setCurrentAppId(appId)
  return {
    login: async (code) => checked(await MiniProgramApi.code2Session(appId, appSecret, code)),
    token: async () => ({ access_token: (await AccessTokenApi.getAccessToken()).getAccessToken }),
  }
}

/** It leaves refusals to its users. */
function checked(answer) {
  const body = typeof answer === 'string' ? JSON.parse(answer) : answer
  if (body.errcode) throw new Error(body.errmsg)
  return body
}
