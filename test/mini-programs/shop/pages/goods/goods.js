import { SHELVES } from '../../utils/goods'

Page({
  data: { shelves: SHELVES, year: 2026 },

  open({ currentTarget }) {
    wx.navigateTo({ url: `../detail/detail?id=${currentTarget.dataset.id}` })
  },
})
