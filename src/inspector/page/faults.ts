import type { FaultName, Situation } from '../protocol.js'
import { el } from './dom.js'
import { FAULT_WORDS, LABELS, say } from './words.js'

const NAMES = ['store', 'wechat'] as const
const FAULTS = ['none', 'fails', 'slow'] as const
const HINTS = { store: LABELS.storeHint, wechat: LABELS.wechatHint }

/** What goes wrong on purpose, as two groups of choices. */
export interface FaultControls {
  /** In the language of the page, as things stand. */
  show(situation: Situation): void
}

export function createFaultControls(
  place: HTMLElement,
  onChange: (faults: Situation['faults']) => void,
): FaultControls {
  let current: Situation['faults'] = { store: 'none', wechat: 'none' }
  const groups = NAMES.map((name) => {
    const legend = el('legend')
    const hint = el('p', 'quiet')
    hint.id = `hint-${name}`
    const choices = FAULTS.map((fault) => choice(name, fault))
    const group = el('fieldset', 'choices', legend, ...choices.map(({ label }) => label), hint)
    group.setAttribute('aria-describedby', hint.id)
    return { name, legend, hint, choices, group }
  })
  place.append(...groups.map(({ group }) => group))

  return {
    show({ faults }) {
      current = faults
      for (const { name, legend, hint, choices } of groups) {
        legend.textContent = say(LABELS[name])
        hint.textContent = say(HINTS[name])
        for (const { fault, input, text } of choices) {
          text.textContent = say(FAULT_WORDS[fault])
          input.checked = faults[name] === fault
        }
      }
    },
  }

  function choice(name: (typeof NAMES)[number], fault: FaultName) {
    const input = el('input')
    input.type = 'radio'
    input.name = `fault-${name}`
    input.value = fault
    input.addEventListener('change', () => onChange({ ...current, [name]: fault }))
    const text = el('span')
    return { fault, input, text, label: el('label', `choice is-${fault}`, input, text) }
  }
}
