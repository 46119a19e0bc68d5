/** The calls of WeChat's API as they come, the latest first. */
import { get } from './api.js'
import { byId, element, showRows } from './dom.js'
import { currentLang, word } from './words.js'

/** @typedef {import('./api.js').Call} Call */

/** Rows that stay. */
const SHOWN = 200

/** @type {Call[]} */
let calls = []
let last = 0

/** Asks for what came since. */
export async function refreshCalls() {
  const answer = await get(`/calls?after=${last}`)
  // After a reset, or of another simulator on this port, they count from 1 again.
  const isNew = answer.last < last
  if (isNew) calls = []
  const added = isNew ? (await get('/calls')).calls : answer.calls
  last = answer.last
  calls = [...added.reverse(), ...calls].slice(0, SHOWN)
  showCalls()
}

export function showCalls() {
  byId('no-calls').hidden = calls.length > 0
  showRows(byId('calls'), calls, { key: ({ id, at }) => `${id} ${at}`, create })
}

/** @param {Call} call */
function create(call) {
  const { at, method, path, query, body, answer, ms } = call
  const time = new Date(at).toLocaleTimeString(currentLang(), { hour12: false })
  const isBad = call.errcode !== null || (call.status ?? 999) >= 400
  return element(
    'li',
    {},
    element(
      'details',
      { class: 'call' },
      element(
        'summary',
        {},
        element('span', { class: 'at' }, time),
        element('span', { class: 'path' }, `${method} ${path}`),
        element('span', { class: `outcome${isBad ? ' is-bad' : ''}` }, `${outcomeOf(call)} · ${ms} ms`),
      ),
      element(
        'dl',
        {},
        ...part(word('query'), Object.keys(query).length > 0 ? JSON.stringify(query, null, 2) : ''),
        ...part(word('body'), body),
        ...part(word('answer'), answer),
      ),
    ),
  )
}

/** @param {Call} call */
function outcomeOf({ outcome, status, errcode }) {
  if (outcome === 'hang') return word('hang')
  if (outcome === 'lost') return word('lost')
  if (outcome === 'reset') return word('resetCall')
  return errcode === null ? `${status}` : `errcode ${errcode}`
}

/**
 * @param {string} name
 * @param {string} text
 */
function part(name, text) {
  if (text === '') return []
  const shown = element('pre', {}, pretty(text))
  return [element('div', {}, element('dt', {}, name), element('dd', {}, shown))]
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
