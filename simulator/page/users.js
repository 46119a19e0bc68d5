/** The users, and what can be done with each. */
import { act, pathOf } from './api.js'
import { byId, copyableFact, copyButton, element, showRows } from './dom.js'
import { useCode } from './snippets.js'
import { word } from './words.js'

/** @typedef {import('./api.js').User} User */

export function startUsers() {
  const form = /** @type {HTMLFormElement} */ (byId('add-user'))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const name = String(new FormData(form).get('name')).trim()
    if (name && (await act('POST', '/users', { name }))) form.reset()
  })
}

/** @param {User[]} users */
export function showUsers(users) {
  byId('no-users').hidden = users.length > 0
  showRows(byId('users'), users, { key: ({ name }) => name, create, update })
}

/** @param {User} user */
function create(user) {
  const { name } = user
  const result = element('div', { class: 'result', hidden: true })
  const row = element(
    'li',
    {},
    element('h3', { class: 'user-name' }, name),
    element('dl', { class: 'row-facts' }),
    element(
      'div',
      { class: 'buttons', role: 'group', 'aria-label': name },
      button(word('login'), 'main', async () => show(await act('POST', `${pathOf(name)}/code`))),
      button(word('phoneNumber'), '', async () => show(await act('POST', `${pathOf(name)}/phone-number`))),
      button(word('userInfo'), '', async () => show(await act('POST', `${pathOf(name)}/user-info`))),
      button(word('newKey'), '', async () => show(await act('POST', `${pathOf(name)}/session-key`))),
      button(word('endKey'), 'risky', async () => show(await act('DELETE', `${pathOf(name)}/session-key`))),
      button(word('remove'), 'risky', async () => {
        await act('DELETE', pathOf(name))
        // The button is gone with its row.
        byId('users-title').focus()
      }),
    ),
    result,
  )
  update(row, user)
  return row

  /** @param {Record<string, unknown> | undefined} answer */
  function show(answer) {
    if (!answer) return
    const text = JSON.stringify(answer, null, 2)
    const isCode = typeof answer.code === 'string' && !('encryptedData' in answer)
    if (isCode) useCode(String(answer.code))
    const copied = isCode ? String(answer.code) : text
    const shown = element(
      'pre',
      { tabIndex: 0, role: 'region', 'aria-label': `${word('answer')}: ${name}` },
      text,
    )
    result.replaceChildren(
      shown,
      copyButton(`${isCode ? 'code' : 'JSON'}: ${name}`, () => copied),
    )
    result.hidden = false
  }
}

/**
 * @param {HTMLElement} row
 * @param {User} user
 */
function update(row, { name, openId, unionId, phoneNumber, sessionKey }) {
  /** @type {[string, string | null][]} */
  const facts = [
    ['openid', openId],
    ...(unionId === null ? [] : [/** @type {[string, string]} */ (['unionid', unionId])]),
    ['session_key', sessionKey],
    [word('phone'), phoneNumber],
  ]
  const list = row.querySelector('dl')
  const text = JSON.stringify(facts)
  // What has not changed keeps its buttons, and the focus on them.
  if (!list || list.getAttribute('data-facts') === text) return
  list.setAttribute('data-facts', text)
  const focused = Array.from(list.querySelectorAll('button')).indexOf(
    /** @type {any} */ (document.activeElement),
  )
  list.replaceChildren(...facts.map((one) => fact(one, name)))
  list.querySelectorAll('button')[focused]?.focus()
}

/**
 * @param {[string, string | null]} fact
 * @param {string} user
 */
function fact([name, value], user) {
  if (value !== null) return copyableFact(name, value, `${name}: ${user}`)
  return element('div', {}, element('dt', {}, name), element('dd', { class: 'quiet' }, word('noKey')))
}

/**
 * @param {string} text
 * @param {string} kind
 * @param {() => void} onclick
 */
function button(text, kind, onclick) {
  return element('button', { type: 'button', class: kind, onclick }, text)
}
