const { baseUrl } = require('../../config')
const clock = require('../../behaviors/clock')

Page({
  behaviors: [clock],
  data: {
    name: '',
    agreed: false,
    cities: ['深圳', '广州', '北京'],
    city: 0,
    sex: '',
    phone: '',
    problem: '',
  },

  chooseCity({ detail }) {
    this.setData({ city: Number(detail.value) })
  },

  chooseSex({ detail }) {
    this.setData({ sex: detail.value })
  },

  getPhone({ detail }) {
    this.setData({ phone: detail.code || '', problem: detail.code ? '' : detail.errMsg })
  },

  async submit({ detail }) {
    const { value } = detail
    if (!value.agreed) return this.setData({ problem: '请先同意' })
    const { code } = await new Promise((success, fail) => wx.login({ success, fail }))
    wx.request({
      url: `${baseUrl}/login`,
      method: 'POST',
      data: { code, phone: this.data.phone, ...value },
      success: ({ data }) => {
        getApp().user = data
        wx.navigateTo({ url: `/pages/me/me?name=${encodeURIComponent(value.name)}` })
      },
      fail: ({ errMsg }) => this.setData({ problem: errMsg }),
    })
  },
})
