import type { Entry, EventEntry, RequestEntry } from '../protocol.js'
import { el } from './dom.js'
import { SHORT_BY } from './steps.js'
import { CHANGES, FAULT_WORDS, KINDS, LABELS, say } from './words.js'

/** What is looked for. */
export interface Filter {
  text: string
  kind: keyof typeof KINDS
  openId: string
}

/** The requests, the newest first: one of them is selected. A keyboard goes through them with the arrow keys. */
export interface List {
  show(entry: Entry): void
  /** Everything anew: after a filter, in another language, or from a server that was started anew. */
  showAll(entries: readonly Entry[], filter: Filter): void
  select(id: number | undefined): void
  /** How many are there. */
  size(): number
  focus(): void
}

export function createList(place: HTMLElement, onSelect: (id: number) => void): List {
  const rows = new Map<number, HTMLElement>()
  let filter: Filter = { text: '', kind: 'all', openId: '' }
  let selected: number | undefined

  place.addEventListener('keydown', (event) => {
    const target = rowAfter(event.key)
    if (!target) return
    event.preventDefault()
    pick(target)
    target.focus()
  })

  return {
    show,
    showAll(entries, wanted) {
      filter = wanted
      const had = place.contains(document.activeElement)
      const kept = new Set<number>()
      for (const entry of entries) if (matches(entry, filter)) kept.add(entry.id)
      for (const [id, row] of rows) if (!kept.has(id)) drop(id, row)
      for (const entry of entries) show(entry)
      if (had && !place.contains(document.activeElement)) (current() ?? place).focus()
    },
    select(id) {
      selected = id
      mark()
    },
    size: () => rows.size,
    focus: () => (current() ?? place).focus(),
  }

  function show(entry: Entry): void {
    const row = rows.get(entry.id)
    if (!matches(entry, filter)) {
      if (row) drop(entry.id, row)
      return
    }
    const shown = row ?? add(entry.id)
    shown.className = `row is-${entry.type}`
    shown.replaceChildren(...(entry.type === 'event' ? eventView(entry) : requestView(entry)))
  }

  function add(id: number): HTMLElement {
    const row = el('div')
    row.role = 'option'
    row.id = `entry-${id}`
    row.dataset.id = `${id}`
    row.addEventListener('click', () => pick(row))
    rows.set(id, row)
    place.insertBefore(row, olderThan(id))
    mark()
    return row
  }

  /** They come in their order, but for those that a filter brings back. */
  function olderThan(id: number): Element | null {
    for (const row of place.children) if (Number((row as HTMLElement).dataset.id) < id) return row
    return null
  }

  function drop(id: number, row: HTMLElement): void {
    rows.delete(id)
    row.remove()
    mark()
  }

  function pick(row: HTMLElement): void {
    selected = Number(row.dataset.id)
    mark()
    onSelect(selected)
  }

  /** One row is in the order of the tab key: the one that is selected, else the first. */
  function mark(): void {
    const one = current()
    for (const [id, row] of rows) {
      row.ariaSelected = String(id === selected)
      row.tabIndex = row === one ? 0 : -1
    }
  }

  function current(): HTMLElement | undefined {
    const row = selected === undefined ? undefined : rows.get(selected)
    return row ?? (place.firstElementChild as HTMLElement | null) ?? undefined
  }

  function rowAfter(key: string): HTMLElement | undefined {
    const all = Array.from(place.children) as HTMLElement[]
    const at = all.indexOf(document.activeElement as HTMLElement)
    const next: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: Math.min(at + 10, all.length - 1),
      PageUp: Math.max(at - 10, 0),
      Home: 0,
      End: all.length - 1,
      Enter: at,
      ' ': at,
    }
    return key in next ? all[next[key] as number] : undefined
  }
}

function matches(entry: Entry, { text, kind, openId }: Filter): boolean {
  if (entry.type === 'event') return text === '' && kind === 'all' && openId === ''
  if (!KINDS[kind](entry) || (openId !== '' && entry.identity?.openId !== openId)) return false
  if (text === '') return true
  const all = textOf(entry)
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word))
}

/** Everything of a request that can be searched for. */
function textOf(entry: RequestEntry): string {
  const { id, method, path, headers, body, steps, identity, response } = entry
  const ofHeaders = [...headers, ...(response?.headers ?? [])].flatMap(({ name, value }) => [name, value])
  const ofSteps = steps.flatMap((step) => [
    step.kind,
    'reason' in step ? step.reason : 'text' in step ? step.text : '',
  ])
  return [
    ...[`#${id}`, method, path, `${response?.status ?? ''}`, identity?.nickName, identity?.openId],
    ...[identity?.appId, body?.text, response?.body?.text, ...ofHeaders, ...ofSteps],
  ]
    .join('\n')
    .toLowerCase()
}

function requestView(entry: RequestEntry): HTMLElement[] {
  const { method, path, steps, response, at, identity, replayOf } = entry
  const refusal = steps.find((step) => step.kind === 'refusal')
  const identified = steps.find((step) => step.kind === 'identify')
  const badge = el('span', `status ${kindOf(response?.status)}`, statusOf(entry))
  const notes = [
    ...(refusal ? [el('span', 'tag is-bad', refusal.reason)] : []),
    ...(identified && !refusal ? [el('span', `tag is-${identified.by}`, say(SHORT_BY[identified.by]))] : []),
    ...(replayOf ? [el('span', 'tag', `${say(CHANGES[replayOf.change])} #${replayOf.id}`)] : []),
    ...(identity?.nickName ? [el('span', 'who', identity.nickName)] : []),
  ]
  const ms = response ? el('span', 'ms', msText(response.ms)) : el('span', 'ms')
  return [
    el('span', 'line', badge, el('span', 'method', method), el('span', 'path', path)),
    el('span', 'line is-second', ...notes, el('span', 'gap'), ms, el('time', '', clock(at))),
  ]
}

function eventView(entry: EventEntry): HTMLElement[] {
  return [el('span', 'line', el('span', 'path', eventText(entry)), el('time', '', clock(entry.at)))]
}

export function eventText(entry: EventEntry): string {
  switch (entry.event) {
    case 'note':
      return entry.text
    case 'revoke':
      return say([`结束了全部会话：${entry.openId}`, `All sessions were ended: ${entry.openId}`])
    case 'end':
      return say([`结束了一个会话：${entry.openId}`, `A session was ended: ${entry.openId}`])
    case 'faults': {
      const { store, wechat } = entry.faults
      return `${say(LABELS.store)} ${say(FAULT_WORDS[store])} · ${say(LABELS.wechat)} ${say(FAULT_WORDS[wechat])}`
    }
  }
}

export function statusOf({ response }: RequestEntry): string {
  return response ? `${response.status}` : say(LABELS.waiting)
}

export function kindOf(status: number | undefined): string {
  if (status === undefined) return 'is-waiting'
  if (status >= 500) return 'is-error'
  return status >= 400 ? 'is-refused' : 'is-ok'
}

export function msText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}
