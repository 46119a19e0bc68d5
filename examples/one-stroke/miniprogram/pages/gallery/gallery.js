const { confirmRemoval } = require('../removal')

const { gallery, profile } = getApp().studio

Page({
  data: {
    ...gallery.view(),
    me: profile.get(),
  },

  onLoad() {
    gallery.load()
  },

  /** While it is not seen, it need not be drawn. */
  onShow() {
    this.setData(gallery.view())
    this.stop = gallery.onChange((view) => this.setData(view))
  },

  onHide() {
    this.stop()
  },

  onUnload() {
    this.stop()
  },

  async onPullDownRefresh() {
    await gallery.load()
    wx.stopPullDownRefresh()
  },

  onReachBottom() {
    gallery.more()
  },

  begin() {
    wx.navigateTo({ url: '/pages/draw/draw' })
  },

  open({ currentTarget }) {
    wx.navigateTo({ url: `/pages/draw/draw?id=${currentTarget.dataset.id}` })
  },

  askToRemove({ currentTarget }) {
    confirmRemoval(() => gallery.remove(currentTarget.dataset.id))
  },

  retry() {
    gallery.load()
  },

  /** The picture is in a temporary place: it is moved to where it stays. */
  chooseAvatar({ detail }) {
    wx.getFileSystemManager().saveFile({
      tempFilePath: detail.avatarUrl,
      success: ({ savedFilePath }) => this.setData({ me: profile.set({ avatarUrl: savedFilePath }) }),
      fail: () => wx.showToast({ title: '头像没有存下来', icon: 'none' }),
    })
  },

  /** Read when the field is left: WeChat checks the name first, and may empty the field. */
  rename({ detail }) {
    this.setData({ me: profile.set({ nickName: detail.value.trim() }) })
  },
})
