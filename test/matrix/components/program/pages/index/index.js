Page({
  data: {
    count: 2,
    rate: 3,
    on: true,
    name: 'text',
    checked: true,
    shown: false,
    other: 1,
    isOther: false,
    typed: '',
  },

  setCount({ detail }) {
    this.setData({ count: detail })
  },

  setRate({ detail }) {
    this.setData({ rate: detail })
  },

  setOn({ detail }) {
    this.setData({ on: detail })
  },

  setChecked({ detail }) {
    this.setData({ checked: detail })
  },

  show() {
    this.setData({ shown: true })
  },

  hide() {
    this.setData({ shown: false })
  },

  setOther({ detail }) {
    this.setData({ other: detail.value })
  },

  setIsOther({ detail }) {
    this.setData({ isOther: detail.value })
  },

  type({ detail }) {
    this.setData({ typed: detail.value })
  },
})
