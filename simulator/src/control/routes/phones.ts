import type { GetUserInfoResult } from '../../phone/wx.js'
import type { User } from '../../servers/accounts.js'
import { ControlError } from '../control-error.js'
import type { ControlCall, Route } from '../route.js'
import type { World } from '../world.js'
import { known, userOf } from './users.js'

/** Seconds that a code lives. */
const CODE_LIFE = 300

/** What happens on a user's phone. */
export const PHONE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/users/{name}/code',
    summary:
      'What wx.login() gives: a code for code2Session. The user is made if need be; a new session_key is.',
    handle: logIn,
  },
  {
    method: 'POST',
    path: '/users/{name}/user-info',
    summary:
      'What wx.getUserInfo() gives: rawData, signature, encryptedData, iv. `named`: as before 2021; else 微信用户.',
    body: { type: 'object', properties: { named: { type: 'boolean' } } },
    handle: getUserInfo,
  },
  {
    method: 'POST',
    path: '/users/{name}/phone-number',
    summary:
      'A tap on the button that gives the phone number: the code for getuserphonenumber, and the older encryptedData with its iv.',
    handle: tapPhoneButton,
  },
  {
    method: 'POST',
    path: '/users/{name}/session-key',
    summary:
      'Another session_key, as a login elsewhere makes one: what the old one signed is no longer good.',
    handle({ world, params }) {
      return { sessionKey: world.accounts.resetSessionKey(known(world, params.name)) }
    },
  },
  {
    method: 'DELETE',
    path: '/users/{name}/session-key',
    summary: 'The session_key ends: checksession says 87009 until the user logs in again.',
    handle({ world, params }) {
      const user = known(world, params.name)
      user.sessionKey = undefined
      return { deleted: user.name }
    },
  },
]

async function logIn(call: ControlCall): Promise<object> {
  const { name } = userOf(call)
  if (!call.world.mayLogIn(name)) {
    const headers = { 'Retry-After': '1' }
    throw new ControlError('ERR_TOO_OFTEN', 'A user may call wx.login() four times a second.', headers)
  }
  const phone = call.world.phone(name)
  const { code } = await new Promise<{ code: string }>((success, fail) => phone.wx.login({ success, fail }))
  return { code, expiresIn: CODE_LIFE }
}

async function getUserInfo({ world, params, body }: ControlCall): Promise<object> {
  const user = known(world, params.name)
  requireSessionKey(world, user)
  const phone = world.phone(user.name)
  phone.userInfo = body.named === true ? 'named' : 'anonymous'
  const { errMsg: _, ...info } = await new Promise<GetUserInfoResult>((success, fail) => {
    phone.wx.getUserInfo({ withCredentials: true, success, fail })
  })
  return info
}

/** The older way needs a session_key; the code does not. */
function tapPhoneButton(call: ControlCall): object {
  const { world } = call
  const user = userOf(call)
  const { code, encryptedData = null, iv = null } = world.phone(user.name).tapPhoneNumber()
  return { code, expiresIn: CODE_LIFE, encryptedData, iv }
}

function requireSessionKey(world: World, user: User): void {
  if (world.accounts.validSessionKey(user) !== undefined) return
  const advice = `POST /simulator/users/${encodeURIComponent(user.name)}/code first.`
  throw new ControlError('ERR_NO_SESSION_KEY', `The user has no session_key: ${advice}`)
}
