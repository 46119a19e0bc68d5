import type { SessionView, Situation } from '../../protocol.js'
import { el } from './dom.js'
import { LABELS, say } from './words.js'

/** What the server keeps of a user: the record of each session. The newest is open. */
export function showRecords(
  place: HTMLElement,
  { sessions }: Situation['phones'][keyof Situation['phones']],
): void {
  if (sessions.length === 0) {
    place.replaceChildren(el('p', 'nothing', say(LABELS.noSession)))
    return
  }
  place.replaceChildren(
    ...sessions.map((session, i) => {
      const isOver = Number(session.record.expires) <= Date.now()
      const details = el('details', `record ${isOver ? 'is-over' : ''}`)
      details.open = i === 0
      const title = el('summary', '', el('code', '', `s:${session.id}…`))
      if (isOver) title.append(el('span', 'chip is-bad', say(LABELS.expired)))
      details.append(title, el('dl', 'fields', ...fieldsOf(session)))
      return details
    }),
  )
}

function fieldsOf({ record }: SessionView): HTMLElement[] {
  const { user, ...rest } = record
  const { openId, nickName } = (user ?? {}) as { openId?: string; nickName?: string }
  return Object.entries({ openId, nickName, ...rest }).flatMap(([name, value]) => {
    return value === undefined ? [] : [el('dt', '', name), el('dd', '', textOf(name, value))]
  })
}

function textOf(name: string, value: unknown): string {
  if (name === 'created' || name === 'expires') return new Date(Number(value)).toLocaleString()
  if (name === 'key') return `${say(LABELS.sealed)} ${String(value).slice(0, 12)}…`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
