const { load, save } = require('../../utils/store')

Page({
  data: { draft: '', filter: 'all', filters: ['all', 'open', 'done'], todos: [], shown: [] },

  onLoad() {
    this.setTodos(load())
  },

  write({ detail }) {
    this.setData({ draft: detail.value })
  },

  add() {
    const text = this.data.draft.trim()
    if (text === '') return
    const id = this.data.todos.reduce((max, todo) => Math.max(max, todo.id), 0) + 1
    this.setData({ draft: '' })
    this.setTodos([...this.data.todos, { id, text, done: false }])
  },

  toggle({ detail }) {
    this.setTodos(
      this.data.todos.map((todo) => (todo.id === detail.id ? { ...todo, done: !todo.done } : todo)),
    )
  },

  remove({ currentTarget }) {
    wx.showModal({
      title: '删除？',
      content: currentTarget.dataset.text,
      success: ({ confirm }) => {
        if (confirm) this.setTodos(this.data.todos.filter(({ id }) => id !== currentTarget.dataset.id))
      },
    })
  },

  choose({ currentTarget }) {
    this.setData({ filter: currentTarget.dataset.filter })
    this.setTodos(this.data.todos)
  },

  setTodos(todos) {
    const { filter } = this.data
    const shown = todos.filter(({ done }) => filter === 'all' || done === (filter === 'done'))
    save(todos)
    this.setData({ todos, shown })
  },
})
