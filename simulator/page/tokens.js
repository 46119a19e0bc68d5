/** The access_tokens that are good. */
import { act } from './api.js'
import { byId, copyButton, element, showRows } from './dom.js'
import { currentLang, word } from './words.js'

/** @typedef {import('./api.js').Token} Token */

export function startTokens() {
  byId('revoke-tokens').addEventListener('click', () => act('DELETE', '/tokens'))
}

/** @param {Token[]} tokens */
export function showTokens(tokens) {
  byId('no-tokens').hidden = tokens.length > 0
  const button = /** @type {HTMLButtonElement} */ (byId('revoke-tokens'))
  button.disabled = tokens.length === 0
  showRows(byId('tokens'), tokens, {
    key: ({ accessToken, expiresAt }) => `${accessToken} ${expiresAt}`,
    create,
  })
}

/** @param {Token} token */
function create({ accessToken, kind, expiresAt }) {
  const end = new Date(expiresAt).toLocaleTimeString(currentLang(), { hour12: false })
  return element(
    'li',
    { class: 'token' },
    element('code', {}, accessToken),
    copyButton('access_token', () => accessToken),
    element('span', { class: 'quiet' }, `${kind} · ${word('until')} ${end}`),
  )
}
