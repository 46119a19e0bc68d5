const { baseUrl } = require('./config')
const { createStudio } = require('./model/studio')

App({
  /** What the pages share: see model/studio.js. */
  studio: createStudio({ wx, baseUrl }),

  onLaunch() {
    wx.onNetworkStatusChange(({ isConnected }) => {
      if (isConnected) this.studio.gallery.load()
    })
  },

  /** At launch, and whenever the user comes back: what an earlier run could not save is saved now. */
  onShow() {
    this.studio.gallery.save()
  },

  /** The last moment that is certain to be ours: WeChat may end the app at any time from here on. */
  onHide() {
    this.studio.gallery.save()
  },
})
