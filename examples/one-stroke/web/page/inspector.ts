/** The page around the phones: makes things happen, and says what came of it. The inspector of the app is beside it. */
import type { Situation as Inspected } from 'koa-weapp-session/inspector'
import { type Experiment, NAMES, type Situation, USERS, type User } from '../protocol.js'
import { byId, el } from './inspector/dom.js'
import { createButtons, type Known } from './inspector/experiments.js'
import { openFeed } from './inspector/feed.js'
import { type Trial, tell } from './inspector/story.js'
import { fillWords, LABELS, onChoice, say, showTheme, switchLanguage, type Words } from './inspector/words.js'
import type { PhoneControls } from './phone.js'

/** px, its frame included: see inspector.css. */
const PHONE = { width: 393, height: 758 }

let user: User = 'xiaoming'
let situation: Situation | undefined
let faults: Inspected['faults'] = { store: 'none', wechat: 'none' }
let story: Words = LABELS.ready
let isAlive = true

const feed = openFeed({
  onFaults(news) {
    faults = news
    showSituation()
  },
  onLife(isThere) {
    // It may be another one, with another carrier.
    if (isThere) void learn(fetch('/demo/situation'))
    isAlive = isThere
    showGone()
  },
})
const buttons = createButtons(byId('experiments'), (trial) => void run(trial))
const frames = new Map(USERS.map((user) => [user, frameOf(user)]))
const switches = new Map(USERS.map((user) => [user, switchTo(user)]))
const inspector = el('iframe', 'inspector')

byId('phone').append(el('div', 'phone', ...frames.values()))
byId('users').append(...switches.values())
byId('inspector').append(inspector)
inspector.src = '/__weapp'
byId('language').addEventListener('click', () => {
  switchLanguage()
  showAll()
})
onChoice(showAll)
for (const tab of document.querySelectorAll<HTMLElement>('.tabs [data-tab]')) {
  tab.addEventListener('click', () => showTab(tab.dataset.tab ?? ''))
}
new ResizeObserver(fitPhone).observe(byId('phone'))
switchOn(user)
showTab('phone')
showAll()

function showAll(): void {
  showTheme()
  fillWords()
  byId('language').textContent = say(LABELS.language)
  byId('tabs').ariaLabel = say(LABELS.parts)
  byId('phones').ariaLabel = say(LABELS.phones)
  byId('inspector').ariaLabel = say(LABELS.inspector)
  inspector.title = say(LABELS.inspector)
  byId('story').textContent = say(story)
  showGone()
  showSituation()
}

function showGone(): void {
  byId('gone').hidden = isAlive
  byId('gone').textContent = isAlive ? '' : say(LABELS.gone)
}

/** All that is known, once the demo has said its part. */
function known(): Known | undefined {
  return situation && { ...situation, faults }
}

function showSituation(): void {
  for (const [whose, frame] of frames) frame.hidden = whose !== user
  for (const [whose, button] of switches) {
    button.ariaPressed = String(whose === user)
    const isOffline = situation?.phones[whose].isOffline === true
    button.classList.toggle('is-offline', isOffline)
    // What the red dot says.
    button.title = isOffline ? say(LABELS.offline) : ''
  }
  buttons.show(known(), user)
}

function showStory(words: Words, isBusy: boolean): void {
  story = words
  byId('story').classList.toggle('is-busy', isBusy)
  byId('story').textContent = say(words)
}

function showTab(tab: string): void {
  document.body.dataset.tab = tab
  for (const button of document.querySelectorAll<HTMLElement>('.tabs [data-tab]')) {
    button.ariaPressed = String(button.dataset.tab === tab)
  }
}

/** Does one of the things that the buttons say, and tells what came of it. */
async function run(trial: Trial): Promise<void> {
  const before = feed.lastId()
  // Another phone may be looked at meanwhile.
  const whose = user
  buttons.setBusy(true)
  showStory(LABELS.trying, true)
  try {
    await TRIALS[trial](trial, whose)
    await feed.quiet()
    const isOn = buttons.isOn(trial, known(), whose)
    const requests = feed.since(before, whose)
    showStory(tell(trial, { requests, isOn, errcode: situation?.errcode }), false)
  } catch (error) {
    console.error(error)
    showStory(LABELS.failed, false)
  } finally {
    buttons.setBusy(false)
  }
}

/**
 * ms that pass on the phone between what happens and who notices. The client does not log in again and again where a
 * server ends its sessions within a minute, and who presses these buttons is quicker than that.
 */
const MINUTE = 61_000

/** What a trial is made of: something that happens, and then somebody who uses the app, so that it shows. */
type Run = (trial: Trial, user: User) => Promise<void>
const onServer: Run = (trial, user) =>
  learn(fetch(`/demo/experiments/${trial as Experiment}/${user}`, { method: 'POST' }))
const thenUsed =
  (happens: Run): Run =>
  async (trial, user) => {
    await happens(trial, user)
    phone(user).letPass(MINUTE)
    await phone(user).pullDown()
  }
/** What the inspector's own buttons do. */
const inspect = async (action: string, input: object): Promise<void> => {
  const response = await fetch(`/__weapp/${action}`, {
    ...{ method: 'POST', body: JSON.stringify(input), headers: { 'Content-Type': 'application/json' } },
  })
  if (!response.ok) throw new Error(`${action}: ${response.status}`)
}
const fault =
  (name: 'store' | 'wechat'): Run =>
  async () => {
    const changed = { ...faults, [name]: faults[name] === 'none' ? ('fails' as const) : ('none' as const) }
    await inspect('faults', changed)
    faults = changed
    showSituation()
  }
const TRIALS: Record<Trial, Run> = {
  expire: thenUsed(onServer),
  revoke: thenUsed((_trial, user) => inspect('revoke', { openId: situation?.phones[user].openId })),
  store: thenUsed(fault('store')),
  wechat: thenUsed(fault('wechat')),
  network: thenUsed(onServer),
  carrier: thenUsed(onServer),
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

/** Takes what the demo says of itself. */
async function learn(asked: Promise<Response>): Promise<void> {
  const response = await asked
  if (!response.ok) throw new Error(`${response.status}`)
  situation = (await response.json()) as Situation
  showSituation()
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
  const avatar = el('span', `avatar is-${whose}`, NAMES[whose].slice(-1))
  avatar.ariaHidden = 'true'
  const button = el('button', `user is-${whose}`, avatar, NAMES[whose])
  button.type = 'button'
  button.addEventListener('click', () => {
    user = whose
    switchOn(user)
    showSituation()
  })
  return button
}
