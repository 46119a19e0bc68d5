import type { Accounts, User } from './accounts.js'
import type { Codes } from './codes.js'

/** The literal that WeChat's developer tools give to a tourist appid; a server that exchanges it gets 40029. */
export const TOURIST_CODE = 'the code is a mock one'

/** Who comes with it, where it is let in. */
const TOURIST = 'tourist'

/** Codes among which the tourists' literal is good, as often as it comes: each time it is a login of the one tourist. */
export function withTourist(codes: Codes, accounts: Accounts): Codes {
  return {
    ...codes,
    redeem: (code): User | 'invalid' | 'used' => (code === TOURIST_CODE ? tourist() : codes.redeem(code)),
  }

  function tourist(): User {
    const user = accounts.user(TOURIST)
    accounts.renewSessionKey(user)
    return user
  }
}
