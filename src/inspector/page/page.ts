/** The page of the inspector: what comes in, what was done about it, and buttons that make things happen. */
import type { Change, Entry, RequestEntry, Situation, UserView } from '../protocol.js'
import { ActionFailed, act, urlOf } from './actions.js'
import { createAnnouncer } from './announcer.js'
import { createDetail } from './detail.js'
import { byId, el, refill } from './dom.js'
import { createFaultControls } from './faults.js'
import { openFeed } from './feed.js'
import { createList, type Filter } from './list.js'
import { onSettings, switchLanguage, switchTheme, theme } from './settings.js'
import { showUsers } from './users.js'
import { FAULT_WORDS, fillWords, type KINDS, LABELS, say, type Words } from './words.js'

const entries = new Map<number, Entry>()
let situation: Situation = { faults: { store: 'none', wechat: 'none' }, apps: [] }
let users: UserView[] = []
let isAlive: boolean | undefined
let selected: number | undefined
/** Entries up to here were there before the page listened. */
let isCatchingUp = true

const kind = byId<HTMLSelectElement>('kind')
const user = byId<HTMLSelectElement>('user')
const search = byId<HTMLInputElement>('search')
const announcer = createAnnouncer(byId('status'), (requests, refused) =>
  say([`新请求 ${requests} 个，其中被拒绝 ${refused} 个`, `${requests} new requests, ${refused} refused`]),
)
const list = createList(byId('list'), (id) => {
  select(id)
  document.body.classList.add('shows-detail')
  // Where there is room for one of them only, the details are what is looked at next.
  if (!byId('list').offsetParent) byId('detail-heading').focus()
})
const detail = createDetail(byId('detail'), {
  replay: (entry, change) => void attempt(LABELS.replayed, () => replay(entry, change)),
  copyCurl: (entry) => void attempt(undefined, () => copyCurl(entry)),
  exportTest: (entry) => void attempt(LABELS.exported, () => exportTest([entry.id])),
})
const faults = createFaultControls(byId('fault-controls'), (changed) => {
  void attempt(LABELS.faultSet, () => act('faults', changed))
})

byId('language').addEventListener('click', () => {
  switchLanguage()
  showAll()
})
byId('theme').addEventListener('click', () => {
  switchTheme()
  showTheme()
})
onSettings(() => {
  showTheme()
  showAll()
})
byId('clear').addEventListener('click', () => void attempt(LABELS.cleared, () => act('clear')))
byId('export').addEventListener(
  'click',
  () => void attempt(LABELS.exported, () => exportTest(shownRequests().map(({ id }) => id))),
)
byId('refresh').addEventListener('click', () => void attempt(undefined, loadUsers))
byId('back').addEventListener('click', () => {
  document.body.classList.remove('shows-detail')
  list.focus()
})
for (const control of [kind, user, search]) control.addEventListener('input', showList)

const tabs = Array.from(document.querySelectorAll<HTMLElement>('[role=tab]'))
for (const tab of tabs) {
  tab.addEventListener('click', () => showTab(tab))
  tab.addEventListener('keydown', ({ key }) => {
    const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
    const next = step && tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]
    if (next) {
      showTab(next)
      next.focus()
    }
  })
}

showTheme()
showTab(tabs[0] as HTMLElement)
showAll()
openFeed(urlOf('events'), {
  onStart(isNew) {
    entries.clear()
    if (isNew) selected = undefined
    isCatchingUp = true
    // What is told in one go is what was there before.
    setTimeout(() => {
      isCatchingUp = false
      showList()
    })
  },
  onEntry(entry) {
    const isNews = !isCatchingUp && entry.type === 'request' && entry.response !== undefined
    entries.set(entry.id, entry)
    if (isNews) announcer.count(entry.steps.some((step) => step.kind === 'refusal'))
    soon(entry.id)
  },
  onSituation(news) {
    situation = news
    showSituation()
  },
  onCleared() {
    entries.clear()
    selected = undefined
    showList()
    showDetail()
  },
  onLife(isThere) {
    isAlive = isThere
    showSituation()
  },
})

/** Entries that have changed since the page was drawn last: many at once are drawn once. */
const changed = new Set<number>()
function soon(id: number): void {
  if (changed.size === 0) setTimeout(draw, 30)
  changed.add(id)
}

function draw(): void {
  const ids = [...changed]
  changed.clear()
  forgetOldest()
  for (const id of ids) {
    const entry = entries.get(id)
    if (entry) list.show(entry)
  }
  showUserChoices()
  showNothing()
  if (selected === undefined || ids.includes(selected)) showDetail()
  if (byId('view-users').hidden === false) void attempt(undefined, loadUsers)
}

/** As many as the server remembers by default: older ones are gone there too. */
const ENTRIES_MAX = 1000

function forgetOldest(): void {
  if (entries.size <= ENTRIES_MAX) return
  for (const id of [...entries.keys()].slice(0, entries.size - ENTRIES_MAX)) entries.delete(id)
  list.showAll([...entries.values()], filter())
}

function showAll(): void {
  fillWords()
  byId('language').textContent = say(LABELS.language)
  // A name in the language of the page it leads to.
  byId('language').lang = say(['en', 'zh-CN'])
  showTheme()
  for (const option of kind.options) option.textContent = say(LABELS[option.value as keyof typeof KINDS])
  showUserChoices()
  showList()
  showDetail()
  showUsers(byId('users'), users, userActions)
  showSituation()
}

function showTheme(): void {
  const chosen = theme()
  document.documentElement.dataset.theme = chosen
  byId('theme').textContent = say(LABELS[chosen])
}

function filter(): Filter {
  return { text: search.value.trim(), kind: kind.value as Filter['kind'], openId: user.value }
}

function showList(): void {
  list.showAll([...entries.values()], filter())
  list.select(selected)
  showNothing()
}

function showNothing(): void {
  const isEmpty = entries.size === 0
  byId('list').hidden = list.size() === 0
  byId('nothing').hidden = list.size() > 0
  refill(
    byId('nothing'),
    el('p', '', say(isEmpty ? LABELS.nothing : LABELS.noMatch)),
    ...(isEmpty ? [el('p', 'quiet', say(LABELS.nothingHint))] : []),
  )
}

function select(id: number | undefined): void {
  selected = id
  list.select(id)
  showDetail()
  byId('detail').scrollTop = 0
}

function showDetail(): void {
  detail.show(selected === undefined ? undefined : entries.get(selected), entries.size > 0)
}

function shownRequests(): RequestEntry[] {
  const shown = new Set(Array.from(byId('list').children, (row) => Number((row as HTMLElement).dataset.id)))
  return [...entries.values()].filter(
    (entry): entry is RequestEntry => entry.type === 'request' && shown.has(entry.id),
  )
}

/** The users whom the requests are of. */
function showUserChoices(): void {
  const names = new Map([['', say(LABELS.everybody)]])
  for (const entry of entries.values()) {
    if (entry.type !== 'request' || !entry.identity?.openId) continue
    const { openId, nickName } = entry.identity
    names.set(openId, `${nickName || ''} ${openId.slice(0, 8)}…`.trim())
  }
  const now = Array.from(user.options, ({ value, text }) => `${value} ${text}`).join()
  const next = Array.from(names, ([value, text]) => `${value} ${text}`).join()
  if (now === next) return
  const { value } = user
  user.replaceChildren(...Array.from(names, ([openId, name]) => new Option(name, openId)))
  user.value = names.has(value) ? value : ''
}

function showSituation(): void {
  const isLost = isAlive === false
  document.body.classList.toggle('is-lost', isLost)
  byId('gone').hidden = !isLost
  byId('gone').textContent = isLost ? say(LABELS.gone) : ''
  const { store, wechat } = situation.faults
  byId('lamps').replaceChildren(
    lamp(say(isLost ? LABELS.lost : LABELS.live), isLost ? 'is-down' : isAlive ? '' : 'is-unknown'),
    // Of a server that is gone nobody knows how its store is.
    lamp(`${say(LABELS.store)} · ${isLost ? '?' : say(FAULT_WORDS[store])}`, lampOf(store, isLost)),
    lamp(`${say(LABELS.wechat)} · ${isLost ? '?' : say(FAULT_WORDS[wechat])}`, lampOf(wechat, isLost)),
  )
  faults.show(situation)
  byId('no-app').hidden = situation.apps.length > 0
  byId('apps').replaceChildren(
    ...situation.apps.map(({ appIds, carrier }) =>
      el('li', '', `${appIds.join(', ')} · ${carrier}Carrier()`),
    ),
  )
}

function lampOf(fault: string, isLost: boolean): string {
  if (isLost) return 'is-unknown'
  return fault === 'none' ? '' : 'is-down'
}

function lamp(text: string, className: string): HTMLElement {
  return el('li', `lamp ${className}`, text)
}

function showTab(chosen: HTMLElement): void {
  for (const tab of tabs) {
    tab.ariaSelected = String(tab === chosen)
    tab.tabIndex = tab === chosen ? 0 : -1
    byId(tab.getAttribute('aria-controls') ?? '').hidden = tab !== chosen
  }
  if (chosen.id === 'tab-users') void attempt(undefined, loadUsers)
}

async function loadUsers(): Promise<void> {
  users = (await act<{ users: UserView[] }>('users')).users
  showUsers(byId('users'), users, userActions)
}

const userActions = {
  revoke: (openId: string) =>
    void attempt(LABELS.revoked, async () => {
      await act('revoke', { openId })
      await loadUsers()
    }),
  end: (openId: string, session: string) =>
    void attempt(LABELS.ended, async () => {
      await act('end', { openId, session })
      await loadUsers()
    }),
}

/** Does something, and says what came of it. */
async function attempt(done: Words | undefined, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    if (done) tell(say(done))
  } catch (error) {
    if (!(error instanceof ActionFailed)) throw error
    tell(`${say(LABELS.failed)}${error.message}`)
  }
}

let hiding: ReturnType<typeof setTimeout> | undefined
function tell(text: string): void {
  announcer.say(text)
  const toast = byId('toast')
  toast.textContent = text
  toast.hidden = false
  clearTimeout(hiding)
  hiding = setTimeout(() => {
    toast.hidden = true
  }, 4000)
}

async function replay({ id }: RequestEntry, change: Change): Promise<void> {
  await act('replay', { id, change })
}

async function copyCurl({ id }: RequestEntry): Promise<void> {
  const { text } = await act<{ text: string }>('curl', { id })
  try {
    await navigator.clipboard.writeText(text)
    tell(say(LABELS.copied))
  } catch {
    detail.showCurl(text)
    tell(say(LABELS.copyFailed))
  }
}

async function exportTest(ids: number[]): Promise<void> {
  const { name, text } = await act<{ name: string; text: string }>('test', { ids })
  const link = el('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
