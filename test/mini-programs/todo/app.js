App({
  onLaunch() {
    this.startedAt = Date.now()
  },
})
