import { type Entry, type EventEntry, NAMES, type RequestEntry, type Step } from '../../protocol.js'
import { el } from './dom.js'
import { EVENTS, LABELS, longStep, meaningOf, say, shortStep } from './words.js'

/** Shows entries, the newest first. */
export interface Timeline {
  show(entry: Entry): void
  /** Everything anew: in another language, say. */
  showAll(entries: Entry[]): void
}

/** How many are shown: nobody looks further back. */
const SHOWN = 100

export function createTimeline(list: HTMLElement): Timeline {
  const items = new Map<number, HTMLLIElement>()
  /** Which requests the user has opened. */
  const open = new Set<number>()
  let opensFirst = true

  return {
    show,
    showAll(entries) {
      items.clear()
      list.replaceChildren()
      for (const entry of entries) show(entry)
    },
  }

  function show(entry: Entry): void {
    if (opensFirst && entry.type === 'request') {
      // So that it is seen what there is to see.
      opensFirst = false
      open.add(entry.id)
    }
    const item = items.get(entry.id) ?? add(entry.id)
    item.className = entry.type
    item.dataset.user = entry.user
    item.replaceChildren(entry.type === 'event' ? eventView(entry) : requestView(entry))
  }

  function add(id: number): HTMLLIElement {
    const item = el('li')
    items.set(id, item)
    list.prepend(item)
    if (list.children.length > SHOWN) list.lastElementChild?.remove()
    return item
  }

  function requestView(entry: RequestEntry): HTMLElement {
    const details = el('details', 'entry')
    details.open = open.has(entry.id)
    details.addEventListener('toggle', () => {
      if (details.open === open.has(entry.id)) return
      if (details.open) open.add(entry.id)
      else open.delete(entry.id)
      show(entry)
    })
    details.append(summaryOf(entry))
    // The rest is made when somebody looks.
    if (details.open) details.append(detailsOf(entry))
    return details
  }
}

function eventView({ at, user, event, steps, errcode }: EventEntry): HTMLElement {
  const code = errcode === undefined ? '' : ` → errcode ${errcode}`
  const line = el('div', 'event-line', avatar(user), el('span', '', say(EVENTS[event]) + code), time(at))
  if (steps.length === 0) return line
  return el('div', '', line, stepList(steps))
}

function summaryOf({ at, user, method, path, steps, response }: RequestEntry): HTMLElement {
  const short = path.replace('/applet/session', '').replace(/\?.*/, '')
  const status = response ? `${response.status}` : say(LABELS.waiting)
  const line = el(
    'div',
    'summary-line',
    avatar(user),
    el('span', 'method', method),
    el('span', 'path', short),
    el('span', `status ${kindOf(response?.status)}`, status),
    time(at),
  )
  const chips = steps.map((step) => {
    return el('span', `chip is-${step.kind} ${isBad(step) ? 'is-bad' : ''}`, say(shortStep(step)))
  })
  return el('summary', '', line, el('div', 'chips', ...chips))
}

function detailsOf({ method, path, headers, steps, response }: RequestEntry): HTMLElement {
  const sections = el(
    'div',
    'sections',
    section(LABELS.request, el('p', 'wire', `${method} ${path}`), headerTable(headers)),
  )
  sections.append(section(LABELS.server, stepList(steps)))
  if (response) {
    const { status, headers, body, ms } = response
    const line = el('p', 'wire', `${status} · ${ms.toFixed(1)} ms`)
    sections.append(section(LABELS.response, line, headerTable(headers), el('pre', 'body', pretty(body))))
  }
  return sections
}

function section(title: (typeof LABELS)[keyof typeof LABELS], ...content: HTMLElement[]): HTMLElement {
  return el('section', '', el('h3', '', say(title)), ...content)
}

/** The headers of sessions first; the others, folded. */
function headerTable(headers: [string, string][]): HTMLElement {
  const isOurs = ([name]: [string, string]) => /^(weapp-|x-wx-|retry-after|authorization)/i.test(name)
  const others = headers.filter((header) => !isOurs(header))
  const rows = el('dl', 'headers', ...headers.filter(isOurs).flatMap(headerRow))
  if (others.length === 0) return rows
  const rest = el('details', 'others', el('summary', '', `${others.length} ${say(LABELS.other)}`))
  rest.append(el('dl', 'headers', ...others.flatMap(headerRow)))
  return el('div', '', rows, rest)
}

function headerRow([name, value]: [string, string]): HTMLElement[] {
  const words = meaningOf(name, value)
  const text = /^(weapp|x-wx)-rawdata$/i.test(name) ? decoded(value) : value
  const meaning = words ? [el('span', 'meaning', say(words))] : []
  return [el('dt', '', name, ...meaning), el('dd', '', text)]
}

function stepList(steps: Step[]): HTMLElement {
  const items = steps.map((step) => {
    const ms = 'ms' in step && step.ms >= 0.05 ? [el('span', 'ms', `${step.ms.toFixed(1)} ms`)] : []
    return el(
      'li',
      `step is-${step.kind} ${isBad(step) ? 'is-bad' : ''}`,
      el('span', '', say(longStep(step))),
      ...ms,
    )
  })
  return el('ol', 'steps', ...items)
}

function isBad(step: Step): boolean {
  if (step.kind === 'refusal') return true
  if (step.kind === 'exchange') return step.status !== undefined
  return 'outcome' in step && step.outcome === 'failed'
}

function kindOf(status: number | undefined): string {
  if (status === undefined) return 'is-waiting'
  if (status >= 500) return 'is-error'
  return status >= 400 ? 'is-refused' : 'is-ok'
}

function avatar(user: Entry['user']): HTMLElement {
  const made = el('span', `avatar is-${user}`, NAMES[user].slice(-1))
  made.title = NAMES[user]
  return made
}

function time(at: number): HTMLElement {
  return el('time', '', new Date(at).toTimeString().slice(0, 8))
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function pretty(body: string): string {
  try {
    const text = JSON.stringify(JSON.parse(body), null, 2)
    return text.length > 1500 ? `${text.slice(0, 1500)}…` : text
  } catch {
    return body
  }
}
