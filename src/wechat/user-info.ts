/** What `wx.getUserInfo()` says of a user. Since 2021 it is the same anonymous data for everybody. */
export interface Profile {
  nickName?: string
  avatarUrl?: string
  /** 0 unknown, 1 male, 2 female. */
  gender?: number
  language?: string
  city?: string
  province?: string
  country?: string
}

/**
 * The logged-in user: plain, and safe to send to the client. The ids are WeChat's answer to the exchange;
 * the rest is what the user says of themselves, when there is any.
 */
export interface WxUserInfo extends Readonly<Profile> {
  /** The mini program that the user is of. */
  readonly appId: string
  readonly openId: string
  /** There when the mini program belongs to an Open Platform account. */
  readonly unionId?: string
}

const TEXT_FIELDS = ['nickName', 'avatarUrl', 'language', 'city', 'province', 'country'] as const

/** The fields of a profile and no others: whatever else a client sends never reaches a handler. */
export function pickProfile(value: Record<string, unknown>): Profile {
  const profile: Profile = {}
  for (const field of TEXT_FIELDS) {
    const text = value[field]
    if (typeof text === 'string') profile[field] = text
  }
  if (typeof value.gender === 'number') profile.gender = value.gender
  return profile
}

/** A user as WeChat's ids and a profile make it: nothing in the profile can be an id. */
export function userOf(
  { appId, openId, unionId }: { appId: string; openId: string; unionId?: string | undefined },
  profile: Profile | undefined,
): WxUserInfo {
  const ids = unionId === undefined ? { appId, openId } : { appId, openId, unionId }
  // The ids first, so that all users have their fields in one order; and last, so that they count.
  return Object.assign({}, ids, profile, ids)
}

/**
 * Whether a profile names nobody. WeChat calls every user 微信用户 since 2022-11-08, with a grey avatar
 * (developers.weixin.qq.com/community/develop/doc/00022c683e8a80b29bed2142b56c01).
 */
export function isAnonymous(profile: Profile | undefined): boolean {
  return !profile?.nickName || profile.nickName === '微信用户'
}
