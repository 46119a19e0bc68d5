import type { UserData } from './types.js'
import type { Wx } from './wx.js'

/** ms for which a launch waits for it. */
const PATIENCE = 1000

/**
 * The user info, as the client of 2016 asked for it at login. But it is private data: `wx.getUserInfo` opens a dialog and
 * stays pending where the user has not agreed to the privacy contract (developers.weixin.qq.com, wx.getPrivacySetting). There
 * nobody asks, and elsewhere nobody waits for longer than a second.
 */
export function userInfoOf2016(wx: Wx): Promise<UserData | undefined> {
  return new Promise((resolve, reject) => {
    setTimeout(() => resolve(undefined), PATIENCE)
    if (!wx.getPrivacySetting) return ask()
    wx.getPrivacySetting({
      success(setting: unknown) {
        if (Object(setting).needAuthorization) resolve(undefined)
        else ask()
      },
      fail: ask,
    })

    function ask(): void {
      Promise.resolve(
        (wx as Required<Wx>).getUserInfo({ success: resolve as () => void, fail: reject }),
      ).then((given) => Object(given).rawData && resolve(given as UserData), reject)
    }
  })
}
