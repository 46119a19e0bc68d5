/** The simulator's time, and buttons that move it. */
import { act } from './api.js'
import { byId, element } from './dom.js'
import { currentLang, word } from './words.js'

/** ms that the simulator's clock is ahead of this browser's. */
let offset = 0
let ahead = 0

/** @param {{ now: number, ahead: number }} clock */
export function showClock(clock) {
  offset = clock.now - Date.now()
  ahead = clock.ahead
  tick()
}

export function startClock() {
  setInterval(tick, 1000)
}

export function writeClockButtons() {
  /** @type {[string, string][]} */
  const steps = [
    ['1m', `+1 ${word('minutes')}`],
    ['5m', `+5 ${word('minutes')}`],
    ['2h', `+2 ${word('hours')}`],
    ['3d', `+3 ${word('days')}`],
  ]
  const buttons = steps.map(([advance, text]) => {
    return element('button', { type: 'button', onclick: () => act('POST', '/clock', { advance }) }, text)
  })
  byId('advance').replaceChildren(...buttons)
}

function tick() {
  const time = new Date(Date.now() + offset).toLocaleString(currentLang(), { hour12: false })
  byId('time').textContent =
    `${time} · ${ahead < 1000 ? word('inStep') : `${word('ahead')} ${inWords(ahead)}`}`
}

/** @param {number} ms */
function inWords(ms) {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 60) return `${minutes} ${word('minutes')}`
  if (minutes < 48 * 60) return `${Math.round(minutes / 6) / 10} ${word('hours')}`
  return `${Math.round(minutes / 144) / 10} ${word('days')}`
}
