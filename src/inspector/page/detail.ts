import type { BodyView, Change, Entry, HeaderView, RequestEntry, SignatureView, Step } from '../protocol.js'
import { button, el, refill } from './dom.js'
import { clock, eventText, kindOf, msText, statusOf } from './list.js'
import { isBad, wordsOf } from './steps.js'
import { CHANGES, FAULT_WORDS, LABELS, LOGIN_VALUES, MEANINGS, say } from './words.js'

export interface DetailActions {
  replay(entry: RequestEntry, change: Change): void
  copyCurl(entry: RequestEntry): void
  exportTest(entry: RequestEntry): void
}

/** All that is known of one request. */
export interface Detail {
  show(entry: Entry | undefined, hasAny: boolean): void
  /** The text of a command that the browser did not let be copied. */
  showCurl(text: string): void
}

export function createDetail(place: HTMLElement, actions: DetailActions): Detail {
  return {
    show(entry, hasAny) {
      if (!entry) return refill(place, ...(hasAny ? [el('p', 'quiet', say(LABELS.pick))] : []))
      refill(place, ...(entry.type === 'event' ? [heading(eventText(entry))] : requestView(entry)))
    },
    showCurl(text) {
      const area = el('textarea', 'command')
      area.value = text
      area.readOnly = true
      area.rows = 8
      area.ariaLabel = say(LABELS.curl)
      place.querySelector('.actions')?.after(area)
      area.select()
    },
  }

  function requestView(entry: RequestEntry): HTMLElement[] {
    const { method, path, headers, body, signature, response, isSeen } = entry
    const badge = el('span', `status ${kindOf(response?.status)}`, statusOf(entry))
    const title = heading('')
    title.append(badge, ` ${method} `, el('span', 'full-path', path))
    return [
      title,
      facts(entry),
      buttons(entry),
      ...(signature ? [signatureView(signature)] : []),
      section(
        say(LABELS.waterfall),
        ...(isSeen ? [] : [el('p', 'quiet', say(LABELS.notSeen))]),
        waterfall(entry),
      ),
      section(
        say(LABELS.request),
        headerTable('request', headers),
        ...bodyView(body, say(LABELS.requestBody)),
      ),
      ...(response
        ? [
            section(
              say(LABELS.response),
              headerTable('response', response.headers),
              ...bodyView(response.body, say(LABELS.responseBody)),
            ),
          ]
        : []),
    ]
  }

  function buttons(entry: RequestEntry): HTMLElement {
    const has = (...meanings: HeaderView['meaning'][]) =>
      entry.headers.some(
        ({ meaning, parts }) => meanings.includes(meaning) && (meaning !== 'cookie' || parts),
      )
    const changes: Change[] = [
      'none',
      ...(has('code', 'session', 'bearer', 'cookie') ? (['credential'] as const) : []),
      ...(entry.signature ? (['rawData'] as const) : []),
    ]
    const replays = entry.canReplay
      ? changes.map((change) =>
          button(`replay-${change}`, say(CHANGES[change]), () => actions.replay(entry, change)),
        )
      : [el('span', 'quiet', say(LABELS.noReplay))]
    return el(
      'div',
      'actions',
      ...replays,
      button('curl', say(LABELS.copyCurl), () => actions.copyCurl(entry)),
      button('export', say(LABELS.export), () => actions.exportTest(entry)),
    )
  }
}

function heading(text: string): HTMLHeadingElement {
  const made = el('h2', '', text)
  made.id = 'detail-heading'
  made.tabIndex = -1
  return made
}

function section(title: string, ...content: HTMLElement[]): HTMLElement {
  return el('section', '', el('h3', '', title), ...content)
}

function facts(entry: RequestEntry): HTMLElement {
  const { at, from, http, identity, replayOf, response, faults } = entry
  const user = identity?.openId && `${identity.nickName ?? ''} ${identity.openId}`.trim()
  const broken = (['store', 'wechat'] as const)
    .filter((name) => faults[name] !== 'none')
    .map((name) => `${say(LABELS[name])} ${say(FAULT_WORDS[faults[name]])}`)
  const rows: [string, string | undefined][] = [
    [say(LABELS.at), `${clock(at)}${response ? ` · ${msText(response.ms)}` : ''}`],
    [say(LABELS.user), user || undefined],
    [say(LABELS.mini), identity?.appId],
    [say(LABELS.expires), identity?.expires ? new Date(identity.expires).toLocaleString() : undefined],
    [say(LABELS.from), `${from} · ${http}`],
    [say(LABELS.replayOf), replayOf && `#${replayOf.id} (${say(CHANGES[replayOf.change])})`],
    [say(LABELS.faultsThen), broken.join(' · ') || undefined],
    [say(LABELS.response), response?.isAborted ? say(LABELS.aborted) : undefined],
  ]
  const list = el('dl', 'facts')
  for (const [name, value] of rows) if (value) list.append(el('dt', '', name), el('dd', '', value))
  return list
}

/** Each step with a bar: where it began, and how long it took, in parts of the whole request. */
function waterfall({ steps, response }: RequestEntry): HTMLElement {
  if (steps.length === 0) return el('p', 'quiet', say(LABELS.noSteps))
  const end = Math.max(response?.ms ?? 0, ...steps.map(({ at, ms }) => at + ms), 0.1)
  const inOrder = [...steps].sort((a, b) => a.at - b.at)
  const list = el('ol', 'waterfall')
  for (const step of inOrder) list.append(stepView(step, end))
  return list
}

function stepView(step: Step, end: number): HTMLElement {
  const bar = el('span', 'bar')
  bar.style.left = `${Math.min(99, (100 * step.at) / end)}%`
  bar.style.width = `${Math.max(0.7, (100 * step.ms) / end)}%`
  const track = el('span', 'track', bar)
  track.ariaHidden = 'true'
  const ms = step.ms >= 0.05 ? msText(step.ms) : ''
  return el(
    'li',
    `step is-${step.kind} ${isBad(step) ? 'is-bad' : ''}`,
    el('span', 'step-text', say(wordsOf(step))),
    el('span', 'ms', ms),
    track,
  )
}

function signatureView(signature: SignatureView): HTMLElement {
  const { isGood, given, expected, against, differences } = signature
  const view = section(
    say(LABELS.signature),
    el('p', isGood ? 'verdict is-good' : 'verdict is-bad', say(isGood ? LABELS.good : LABELS.bad)),
    definitions([
      [say(LABELS.given), given],
      [say(LABELS.expected), expected],
    ]),
  )
  if (!against || !differences) return view
  const head = el(
    'tr',
    '',
    ...[LABELS.field, LABELS.there, LABELS.here].map((words) => {
      const cell = el('th', '', say(words))
      cell.scope = 'col'
      return cell
    }),
  )
  const rows = differences.map(([field, there, here]) =>
    el('tr', '', el('td', '', field), el('td', '', el('del', '', there)), el('td', '', el('ins', '', here))),
  )
  const table = el('table', 'differences', el('thead', '', head), el('tbody', '', ...rows))
  view.append(el('p', '', say(LABELS[against])), table)
  return view
}

/** The headers of sessions first; the others, folded. */
function headerTable(whose: string, headers: HeaderView[]): HTMLElement {
  const ours = headers.filter(({ meaning }) => meaning)
  const others = headers.filter(({ meaning }) => !meaning)
  const view = el('div', '', ...(ours.length > 0 ? [headerList(ours)] : []))
  if (others.length === 0) return view
  const summary = el('summary', '', `${say(LABELS.otherHeaders)} (${others.length})`)
  summary.dataset.key = `${whose}-others`
  const folded = el('details', 'others', summary, headerList(others))
  folded.dataset.key = `${whose}-others-open`
  view.append(folded)
  return view
}

function headerList(headers: HeaderView[]): HTMLElement {
  const list = el('dl', 'headers')
  for (const { name, value, meaning, parts } of headers) {
    const words = meaning === 'login' ? LOGIN_VALUES[value] : meaning && MEANINGS[meaning]
    const title = el('dt', '', name)
    if (words) title.append(el('span', 'meaning', say(words)))
    list.append(title, el('dd', '', el('code', '', value), ...(parts ? [definitions(parts)] : [])))
  }
  return list
}

export function definitions(rows: [string, string][]): HTMLElement {
  const list = el('dl', 'parts')
  for (const [name, value] of rows) list.append(el('dt', '', name), el('dd', '', value))
  return list
}

function bodyView(body: BodyView | undefined, name: string): HTMLElement[] {
  if (!body) return []
  const { text, size, isCut, hidden } = body
  const title = el('h4', '', `${say(LABELS.body)} · ${size} B ${isCut && !hidden ? say(LABELS.cut) : ''}`)
  const content = el('pre', 'body', hidden ? say(LABELS[hidden]) : pretty(text))
  // It scrolls, so a keyboard has to get there.
  content.tabIndex = 0
  content.role = 'region'
  content.ariaLabel = name
  content.dataset.key = name
  return [title, content]
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
