/** The simulator's page. It uses the control API alone, and asks again whenever that says that something has changed. */
import { act, get } from './api.js'
import { refreshCalls, showCalls } from './calls.js'
import { showClock, startClock, writeClockButtons } from './clock.js'
import { byId, copyableFact } from './dom.js'
import { showFaults, startFaults, usePaths, writeFaultChoices } from './faults.js'
import { startSnippets, useApp } from './snippets.js'
import { showTokens, startTokens } from './tokens.js'
import { showUsers, startUsers } from './users.js'
import { switchLang, word, writeWords } from './words.js'

/** Rows are made in the language that was spoken then. */
const LISTS = ['users', 'calls', 'faults', 'tokens']

let isRefreshing = false
let isStale = false

startUsers()
startFaults()
startClock()
startTokens()
startSnippets()
write()
// Where the focus goes when what had it is gone.
for (const title of document.querySelectorAll('h2')) title.tabIndex = -1
byId('lang').addEventListener('click', () => {
  switchLang()
  for (const id of LISTS) byId(id).replaceChildren()
  byId('app').removeAttribute('data-app')
  write()
  showCalls()
  void refresh()
})
byId('reset').addEventListener('click', () => {
  if (confirm(word('resetSure'))) void act('POST', '/reset')
})

const changes = new EventSource('/simulator/changes')
changes.addEventListener('change', () => void refresh())
changes.addEventListener('open', () => setGone(false))
changes.addEventListener('error', () => setGone(true))

/** Everything that does not come from the simulator. */
function write() {
  writeWords()
  writeFaultChoices()
  writeClockButtons()
  const other = byId('lang')
  other.textContent = word('other')
  other.lang = word('otherLang')
  if (!byId('gone').hidden) byId('gone').textContent = word('gone')
}

/** One at a time: what changes meanwhile is asked for afterwards. */
async function refresh() {
  isStale = true
  if (isRefreshing) return
  isRefreshing = true
  try {
    while (isStale) {
      isStale = false
      await load()
    }
  } catch {
    // The stream of changes notices too, and calls again when the simulator is back.
  } finally {
    isRefreshing = false
  }
}

async function load() {
  const [app, { users }, { tokens }, { faults }, clock] = await Promise.all([
    get('/app'),
    get('/users'),
    get('/tokens'),
    get('/faults'),
    get('/clock'),
    refreshCalls(),
  ])
  showApp(app)
  useApp(app)
  usePaths(app)
  showUsers(users)
  showTokens(tokens)
  showFaults(faults)
  showClock(clock)
}

/** @param {{ appId: string, appSecret: string }} app */
function showApp({ appId, appSecret }) {
  const list = byId('app')
  if (list.getAttribute('data-app') === appId + appSecret) return
  list.setAttribute('data-app', appId + appSecret)
  const facts = [
    [word('baseUrl'), location.origin],
    ['AppID', appId],
    ['AppSecret', appSecret],
  ]
  list.replaceChildren(...facts.map(([name = '', value = '']) => copyableFact(name, value)))
}

/** @param {boolean} isGone */
function setGone(isGone) {
  const alert = byId('gone')
  if (alert.hidden !== isGone) return
  alert.hidden = !isGone
  // Written when it is shown: screen readers read what changes.
  alert.textContent = isGone ? word('gone') : ''
}
