Page({
  data: { name: '', user: {} },

  onLoad({ name }) {
    this.setData({ name: decodeURIComponent(name), user: getApp().user })
  },

  back() {
    wx.navigateBack()
  },
})
