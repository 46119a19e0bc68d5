/** The page around a phone: whose phone it is, and a new start when a file of the mini program changes. */
const phone = document.querySelector('#phone')
const field = document.querySelector('#user')
const state = document.querySelector('#state')
const user = new URLSearchParams(location.search).get('user') || 'alice'

field.value = user
phone.src = `/phone?user=${encodeURIComponent(user)}`

const changes = new EventSource('/changes')
changes.addEventListener('message', () => phone.contentWindow.location.reload())
changes.addEventListener('error', () => {
  state.textContent = '模拟器没有响应 · The simulator is away.'
})
changes.addEventListener('open', () => {
  state.textContent = ''
})
