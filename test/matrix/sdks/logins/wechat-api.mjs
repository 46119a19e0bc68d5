import { promisify } from 'node:util'
import WechatAPI from 'wechat-api'

// It is older than mini programs: no login. What it asks for with a token shows how it takes answers and refusals.
export function create({ appId, appSecret }) {
  const api = new WechatAPI(appId, appSecret)
  return {
    async token() {
      const { accessToken } = await promisify(api.getAccessToken).call(api)
      const { ip_list } = await promisify(api.getIp).call(api)
      return { access_token: ip_list && accessToken }
    },
    async phone(code) {
      const url = `${api.endpoint}/wxa/business/getuserphonenumber?access_token=${api.token.accessToken}`
      const options = { method: 'POST', dataType: 'json', data: { code }, contentType: 'json' }
      const body = await promisify(api.request).call(api, url, options)
      if (body.errcode) throw new Error(body.errmsg)
      return body
    },
  }
}
