import WechatAPI from 'co-wechat-api'

export function create({ appId, appSecret }) {
  const api = new WechatAPI(appId, appSecret)
  return {
    login: (code) => api.code2Session(code),
    token: async () => ({ access_token: (await api.ensureAccessToken()).accessToken }),
    async phone(code) {
      const { accessToken } = await api.ensureAccessToken()
      const url = `${api.wxaPrefix}business/getuserphonenumber?access_token=${accessToken}`
      const data = JSON.stringify({ code })
      const headers = { 'Content-Type': 'application/json' }
      return api.request(url, { method: 'POST', data, headers })
    },
  }
}
