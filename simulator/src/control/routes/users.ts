import type { User } from '../../servers/accounts.js'
import { ControlError } from '../control-error.js'
import type { ControlCall, Route } from '../route.js'
import { findFault, type Schema } from '../schema.js'
import type { World } from '../world.js'

/** A name is shown, stands in paths, and makes the openid. */
const NAME: Schema = { type: 'string', minLength: 1, maxLength: 64, pattern: '^[^\\p{Cc}]+$' }

export const USER_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/users',
    summary: 'Everybody who has this WeChat, with openid and session_key.',
    handle: ({ world }) => ({ users: world.accounts.all().map((user) => shown(world, user)) }),
  },
  {
    method: 'POST',
    path: '/users',
    summary: 'A new user. A user whom another call names comes into being by that.',
    status: 201,
    body: {
      type: 'object',
      properties: {
        name: NAME,
        nickName: { type: 'string', maxLength: 64 },
        phoneNumber: { type: 'string', pattern: '^\\d{5,15}$' },
      },
    },
    handle: create,
  },
  {
    method: 'GET',
    path: '/users/{name}',
    summary: 'One user.',
    handle: ({ world, params }) => shown(world, known(world, params.name)),
  },
  {
    method: 'DELETE',
    path: '/users/{name}',
    summary: 'Forgets a user: their codes are invalid, and their openid is nobody’s.',
    handle({ world, params }) {
      const { name } = known(world, params.name)
      world.remove(name)
      return { deleted: name }
    },
  },
]

function create({ world, body }: ControlCall): object {
  const { name, ...rest } = body as { name?: string; nickName?: string; phoneNumber?: string }
  if (name !== undefined && world.accounts.find(name)) {
    throw new ControlError('ERR_USER_EXISTS', `There is a user "${name}" already.`)
  }
  const made = name === undefined ? world.accounts.newUser() : world.accounts.user(name)
  made.phoneNumber = rest.phoneNumber ?? made.phoneNumber
  made.profile = { ...made.profile, nickName: rest.nickName ?? made.profile.nickName }
  return shown(world, made)
}

/** The user of that name, who is made if need be, as `wechat.phone()` does. */
export function userOf({ world, params }: ControlCall): User {
  const { name = '' } = params
  const fault = findFault(NAME, name, 'The name of the user')
  if (fault !== undefined) throw new ControlError('ERR_BAD_REQUEST', `${fault}.`)
  return world.accounts.user(name)
}

/** A user who is there. */
export function known(world: World, name = ''): User {
  const user = world.accounts.find(name)
  if (user === undefined) throw new ControlError('ERR_NO_USER', `There is no user "${name}".`)
  return user
}

function shown({ accounts }: World, user: User): object {
  const { name, openId, unionId, phoneNumber, profile } = user
  return {
    ...{ name, openId, unionId: unionId ?? null, nickName: profile.nickName, phoneNumber },
    sessionKey: accounts.validSessionKey(user) ?? null,
  }
}
