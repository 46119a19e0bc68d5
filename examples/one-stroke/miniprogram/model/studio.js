const { createSession } = require('weapp-session-client')
const { createApi } = require('./api')
const { createGallery } = require('./gallery')
const { createProfile } = require('./profile')

/**
 * The app without its pages. All calls of the app go through one session, so that they share its login.
 *
 * @param {object} options
 * @param {import('weapp-session-client').Wx} options.wx
 * @param {string} options.baseUrl
 */
function createStudio({ wx, baseUrl }) {
  const session = createSession({ baseUrl, wx, profile: 'userInfo', deadline: 15000 })
  return {
    session,
    gallery: createGallery({ api: createApi(session), storage: wx }),
    profile: createProfile(wx),
  }
}

module.exports = { createStudio }
