const KEY = 'todos'

function load() {
  return wx.getStorageSync(KEY) || []
}

function save(todos) {
  wx.setStorageSync(KEY, todos)
}

module.exports = { load, save }
