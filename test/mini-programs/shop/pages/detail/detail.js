import { find } from '../../utils/goods'

Page({
  data: { one: {}, added: false },

  onLoad({ id }) {
    const one = find(id)
    this.setData({ one })
    wx.setNavigationBarTitle({ title: one.name })
  },

  add() {
    getApp().cart.add(this.data.one.id)
    this.setData({ added: true })
  },
})
