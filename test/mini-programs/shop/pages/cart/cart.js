import { find } from '../../utils/goods'

Page({
  data: { lines: [], visits: 0 },

  onShow() {
    const { counts } = getApp().cart
    const lines = Object.entries(counts).map(([id, count]) => ({ ...find(id), count }))
    this.setData({ lines, visits: this.data.visits + 1 })
  },
})
