Component({
  options: { addGlobalClass: true },
  properties: { todo: { type: Object, value: {} } },
  data: { mark: '○' },
  observers: {
    'todo.done'(done) {
      this.setData({ mark: done ? '●' : '○' })
    },
  },
  methods: {
    toggle() {
      this.triggerEvent('toggle', { id: this.data.todo.id })
    },
  },
})
