import 'reflect-metadata'
import { MiniProgramService } from 'nest-wechat'

export function create({ appId, appSecret: secret }) {
  const service = new MiniProgramService({ appId, secret })
  return {
    login: async (code) => checked(await service.code2Session(code)),
    token: async () => checked((await service.getAccessToken()).data),
    async phone(code) {
      const { access_token } = (await service.getAccessToken()).data
      return checked((await service.getPhoneNumber(code, access_token)).data)
    },
  }
}

/** It leaves refusals to its users. */
function checked(body) {
  if (body.errcode) throw new Error(body.errmsg)
  return body
}
