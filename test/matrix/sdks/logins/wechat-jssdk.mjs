import { MiniProgram } from 'wechat-jssdk'

// For logins alone.
export function create({ appId, appSecret, folder }) {
  const miniProgram = new MiniProgram({
    miniProgram: { appId, appSecret },
    storeOptions: { fileStorePath: `${folder}/wechat-jssdk.json` },
  })
  return { login: (code) => miniProgram.getSession(code) }
}
