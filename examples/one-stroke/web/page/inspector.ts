/** The page around the phones: shows what goes on between them and the server, and makes things happen. */
import { type Experiment, NAMES, type Situation, USERS, type User } from '../protocol.js'
import { byId, el } from './inspector/dom.js'
import { createButtons } from './inspector/experiments.js'
import { openFeed } from './inspector/feed.js'
import { showRecords } from './inspector/records.js'
import { tell, type Trial } from './inspector/story.js'
import { createTimeline } from './inspector/timeline.js'
import { fillWords, LABELS, say, switchLanguage, type Words } from './inspector/words.js'
import type { PhoneControls } from './phone.js'

let user: User = 'xiaoming'
let situation: Situation | undefined
let story: Words | undefined

const timeline = createTimeline(byId('timeline'))
const feed = openFeed(timeline.show, (news) => {
  situation = news
  showSituation()
})
const buttons = createButtons(byId('experiments'), (trial) => void run(trial))
const frames = new Map(USERS.map((user) => [user, frameOf(user)]))
const switches = new Map(USERS.map((user) => [user, switchTo(user)]))

byId('phone').append(...frames.values())
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
  const { store, isStoreDown, isWechatDown, phones } = situation
  byId('lamps').replaceChildren(lamp(LABELS[store], isStoreDown), lamp(LABELS.wechat, isWechatDown))
  showRecords(byId('records'), phones[user])
}

function lamp(what: Words, isDown: boolean): HTMLElement {
  return el('span', `lamp ${isDown ? 'is-down' : ''}`, `${say(what)} · ${say(isDown ? LABELS.down : LABELS.up)}`)
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
  buttons.setBusy(true)
  place.classList.add('is-busy')
  story = LABELS.trying
  showStory()
  if (getComputedStyle(place).display === 'none' || !place.offsetParent) showTab('timeline')
  try {
    await TRIALS[trial](trial)
    await feed.quiet()
    const isOn = document.querySelector(`[data-trial=${trial}]`)?.ariaPressed === 'true'
    const entries = feed.since(before).filter((entry) => entry.user === user)
    story = tell(trial, entries, isOn)
  } finally {
    buttons.setBusy(false)
    place.classList.remove('is-busy')
    showStory()
  }
}

/** What a trial is made of: something that happens, and then somebody who uses the app, so that it shows. */
const onServer = async (trial: Trial) => {
  const response = await fetch(`/inspector/experiments/${trial as Experiment}/${user}`, { method: 'POST' })
  situation = (await response.json()) as Situation
  showSituation()
}
const thenUsed = async (trial: Trial) => {
  await onServer(trial)
  await phone().pullDown()
}
const TRIALS: Record<Trial, (trial: Trial) => Promise<void>> = {
  expire: thenUsed,
  revoke: thenUsed,
  store: thenUsed,
  wechat: thenUsed,
  network: thenUsed,
  tamper: onServer,
  reuse: onServer,
  forge: onServer,
  burst: () => phone().burst(20),
  async restart() {
    const frame = frames.get(user) as HTMLIFrameElement
    const started = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
    frame.contentWindow?.location.reload()
    await started
  },
}

function phone(): PhoneControls {
  const { phone } = frames.get(user)?.contentWindow ?? {}
  if (!phone) throw new Error('the phone has not started yet')
  return phone
}

function frameOf(user: User): HTMLIFrameElement {
  const frame = el('iframe')
  frame.title = NAMES[user]
  frame.src = `/phone?user=${user}`
  return frame
}

function switchTo(whose: User): HTMLButtonElement {
  const button = el('button', `user is-${whose}`, el('span', `avatar is-${whose}`, NAMES[whose].slice(-1)), NAMES[whose])
  button.type = 'button'
  button.addEventListener('click', () => {
    user = whose
    showSituation()
  })
  return button
}
