/** What will go wrong with the next calls. */
import { act } from './api.js'
import { byId, element, showRows } from './dom.js'
import { word } from './words.js'

/** @typedef {import('./api.js').Fault} Fault */

const ERRCODES = [-1, 40029, 40163, 40226, 45011, 45009, 40001, 42001, 40013, 40125, 40164]

/** The faults of the control API that can be chosen, by what stands for them in the form. */
const FAULTS = [
  ...ERRCODES.map((errcode) => ({ errcode })),
  { status: 502 },
  { delay: 5000 },
  'hang',
  'lost',
  'reset',
  'truncated',
  'withoutOpenId',
  'withoutSessionKey',
]

/**
 * What is simulated. The simulator says it.
 *
 * @type {string[]}
 */
let paths = []

export function startFaults() {
  const form = /** @type {HTMLFormElement} */ (byId('add-fault'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = new FormData(form)
    const fault = FAULTS[Number(fields.get('fault'))]
    const path = String(fields.get('path'))
    void act('POST', '/faults', { fault, times: Number(fields.get('times')), ...(path && { path }) })
  })
}

/** Writes the choices in the language of now. */
export function writeFaultChoices() {
  const [what, where] = Array.from(byId('add-fault').querySelectorAll('select'))
  const chosen = [what?.value, where?.value]
  what?.replaceChildren(...FAULTS.map((fault, i) => element('option', { value: `${i}` }, nameOf(fault))))
  where?.replaceChildren(
    element('option', { value: '' }, word('anyCall')),
    ...paths.map((path) => element('option', { value: path }, path)),
  )
  if (what && chosen[0]) what.value = chosen[0]
  if (where && chosen[1]) where.value = chosen[1]
}

/** @param {{ paths: string[] }} app */
export function usePaths(app) {
  if (`${app.paths}` === `${paths}`) return
  paths = app.paths
  writeFaultChoices()
}

/** @param {Fault[]} faults */
export function showFaults(faults) {
  byId('no-faults').hidden = faults.length > 0
  showRows(byId('faults'), faults, { key: ({ id, times }) => `${id} ${times}`, create })
}

/** @param {Fault} fault */
function create({ id, fault, path, times }) {
  const often = times === 'always' ? word('always') : `× ${times}`
  const text = `${nameOf(fault)} · ${path ?? word('anyCall')} · ${often}`
  const withdraw = async () => {
    await act('DELETE', `/faults/${id}`)
    byId('faults-title').focus()
  }
  const properties = { type: 'button', 'aria-label': `${word('withdraw')}: ${text}`, onclick: withdraw }
  return element(
    'li',
    { class: 'fault-row' },
    element('span', {}, text),
    element('button', properties, word('withdraw')),
  )
}

/** @param {Fault['fault']} fault */
function nameOf(fault) {
  if (typeof fault === 'object') {
    if ('errcode' in fault) return `errcode ${fault.errcode}: ${word('f_errcode')}`
    if ('status' in fault) return `${fault.status}: ${word('f_status')}`
    return fault.delay === 5000 ? word('f_delay') : `delay ${fault.delay} ms`
  }
  const names = /** @type {Record<string, string>} */ ({
    hang: word('f_hang'),
    lost: word('f_lost'),
    reset: word('f_reset'),
    truncated: word('f_truncated'),
    withoutOpenId: word('f_withoutOpenId'),
    withoutSessionKey: word('f_withoutSessionKey'),
  })
  return `${fault}: ${names[fault] ?? ''}`
}
