module.exports = Behavior({
  data: { since: '' },
  attached() {
    this.setData({ since: 'started' })
  },
})
