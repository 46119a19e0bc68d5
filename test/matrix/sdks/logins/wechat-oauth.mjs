import { promisify } from 'node:util'
import OAuth from 'wechat-oauth'

// For logins alone.
export function create({ appId, appSecret }) {
  const oauth = new OAuth(appId, appSecret, undefined, undefined, true)
  return {
    login: async (code) => (await promisify(oauth.getSessionKey).call(oauth, code)).data,
  }
}
