/**
 * @typedef {{ nickName: string, avatarUrl: string }} Profile
 */

const KEY = 'profile'

/**
 * Name and picture, as the user gave them (头像昵称填写能力). They are the user's word, not WeChat's: here they only
 * decorate the gallery and stay on the phone. To show them to others, upload the picture and check both on the server.
 *
 * @param {import('./outbox').Storage} storage
 */
function createProfile(storage) {
  /** @returns {Profile} */
  const get = () => storage.getStorageSync(KEY) || { nickName: '', avatarUrl: '' }

  return {
    get,
    /** @param {Partial<Profile>} changes */
    set(changes) {
      storage.setStorageSync(KEY, { ...get(), ...changes })
      return get()
    },
  }
}

module.exports = { createProfile }
