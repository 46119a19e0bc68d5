/** The page around the phones: shows what goes on between them and the server, and makes things happen. */
import { type Experiment, NAMES, type Situation, USERS, type User } from '../protocol.js'
import { byId, el } from './inspector/dom.js'
import { createButtons } from './inspector/experiments.js'
import { openFeed } from './inspector/feed.js'
import { showRecords } from './inspector/records.js'
import { type Trial, tell } from './inspector/story.js'
import { createTimeline } from './inspector/timeline.js'
import { fillWords, LABELS, say, switchLanguage, type Words } from './inspector/words.js'
import type { PhoneControls } from './phone.js'

/** px, its frame included: see inspector.css. */
const PHONE = { width: 393, height: 758 }

let user: User = 'xiaoming'
let situation: Situation | undefined
let story: Words | undefined

const timeline = createTimeline(byId('timeline'))
const feed = openFeed({
  onOpen: () => timeline.showAll([]),
  onEntry: timeline.show,
  onSituation(news) {
    situation = news
    showSituation()
  },
})
const buttons = createButtons(byId('experiments'), (trial) => void run(trial))
const frames = new Map(USERS.map((user) => [user, frameOf(user)]))
const switches = new Map(USERS.map((user) => [user, switchTo(user)]))

byId('phone').append(el('div', 'phone', ...frames.values()))
byId('users').append(...switches.values())
byId('language').addEventListener('click', () => {
  switchLanguage()
  showAll()
})
byId('clear').addEventListener('click', () => {
  feed.clear()
  story = undefined
  showAll()
})
for (const tab of document.querySelectorAll<HTMLElement>('.tabs [data-tab]')) {
  tab.addEventListener('click', () => showTab(tab.dataset.tab ?? ''))
}
new ResizeObserver(fitPhone).observe(byId('phone'))
switchOn(user)
showTab('phone')
showAll()

function showAll(): void {
  fillWords()
  byId('language').textContent = say(LABELS.language)
  timeline.showAll(feed.entries())
  showStory()
  showSituation()
}

function showSituation(): void {
  for (const [whose, frame] of frames) frame.hidden = whose !== user
  for (const [whose, button] of switches) {
    button.ariaPressed = String(whose === user)
    button.classList.toggle('is-offline', situation?.phones[whose].isOffline === true)
  }
  buttons.show(situation, user)
  if (!situation) return
  const { store, carrier, isStoreDown, isWechatDown, phones } = situation
  byId('lamps').replaceChildren(
    el('span', 'lamp is-plain', `${carrier}Carrier()`),
    lamp(LABELS[store], isStoreDown),
    lamp(LABELS.wechat, isWechatDown),
  )
  showRecords(byId('records'), phones[user])
}

function lamp(what: Words, isDown: boolean): HTMLElement {
  return el(
    'span',
    `lamp ${isDown ? 'is-down' : ''}`,
    `${say(what)} · ${say(isDown ? LABELS.down : LABELS.up)}`,
  )
}

function showStory(): void {
  const place = byId('story')
  place.hidden = story === undefined
  place.textContent = story ? say(story) : ''
}

function showTab(tab: string): void {
  document.body.dataset.tab = tab
  for (const button of document.querySelectorAll<HTMLElement>('.tabs [data-tab]')) {
    button.ariaPressed = String(button.dataset.tab === tab)
  }
}

/** Does one of the things that the buttons say, and tells what came of it. */
async function run(trial: Trial): Promise<void> {
  const place = byId('story')
  const before = feed.lastId()
  // Another phone may be looked at meanwhile.
  const whose = user
  buttons.setBusy(true)
  place.classList.add('is-busy')
  story = LABELS.trying
  showStory()
  // On a small screen it is behind another tab.
  if (!place.offsetParent) showTab('timeline')
  try {
    await TRIALS[trial](trial, whose)
    await feed.quiet()
    const isOn = document.querySelector(`[data-trial=${trial}]`)?.ariaPressed === 'true'
    const entries = feed.since(before).filter((entry) => entry.user === whose)
    story = tell(trial, entries, isOn)
  } catch (error) {
    console.error(error)
    story = LABELS.failed
  } finally {
    buttons.setBusy(false)
    place.classList.remove('is-busy')
    showStory()
  }
}

/**
 * ms that pass on the phone between what happens and who notices. The client does not log in again and again where a
 * server ends its sessions within a minute, and who presses these buttons is quicker than that.
 */
const MINUTE = 61_000

/** What a trial is made of: something that happens, and then somebody who uses the app, so that it shows. */
type Run = (trial: Trial, user: User) => Promise<void>
const onServer: Run = async (trial, user) => {
  const response = await fetch(`/inspector/experiments/${trial as Experiment}/${user}`, { method: 'POST' })
  situation = (await response.json()) as Situation
  showSituation()
}
const thenUsed: Run = async (trial, user) => {
  await onServer(trial, user)
  phone(user).letPass(MINUTE)
  await phone(user).pullDown()
}
const TRIALS: Record<Trial, Run> = {
  expire: thenUsed,
  revoke: thenUsed,
  store: thenUsed,
  wechat: thenUsed,
  network: thenUsed,
  carrier: thenUsed,
  use: (_trial, user) => phone(user).pullDown(),
  tamper: onServer,
  reuse: onServer,
  forge: onServer,
  async burst(_trial, user) {
    phone(user).letPass(MINUTE)
    await phone(user).burst(20)
  },
  async restart(_trial, user) {
    const frame = frames.get(user) as HTMLIFrameElement
    const started = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
    frame.contentWindow?.location.reload()
    await started
    await phone(user).idle()
  },
}

function phone(user: User): PhoneControls {
  const { phone } = frames.get(user)?.contentWindow ?? {}
  if (!phone) throw new Error('the phone has not started yet')
  return phone
}

function frameOf(user: User): HTMLIFrameElement {
  const frame = el('iframe')
  frame.title = NAMES[user]
  return frame
}

/** A phone is switched on when somebody looks at it. */
function switchOn(user: User): void {
  const frame = frames.get(user)
  if (frame && !frame.src) frame.src = `/phone?user=${user}`
}

/** A phone keeps its proportions: where there is less room, all of it is smaller. */
function fitPhone(): void {
  const slot = byId('phone')
  const scale = Math.min(1, slot.clientWidth / PHONE.width, slot.clientHeight / PHONE.height)
  slot.style.setProperty('--scale', `${scale}`)
}

function switchTo(whose: User): HTMLButtonElement {
  const button = el(
    'button',
    `user is-${whose}`,
    el('span', `avatar is-${whose}`, NAMES[whose].slice(-1)),
    NAMES[whose],
  )
  button.type = 'button'
  button.addEventListener('click', () => {
    user = whose
    switchOn(user)
    showSituation()
  })
  return button
}
