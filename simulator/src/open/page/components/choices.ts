import { Component, type Element as Node } from 'glass-easel'
import type { Builtin, Host } from './define.js'
import { onReset } from './form.js'

type WithNode = Element & { __wxElement?: Node }

/** A box to tick, of HTML's own, within the component. */
function box({ element }: Host, type: string): HTMLInputElement {
  const input = document.createElement('input')
  input.type = type
  element.prepend(input)
  return input
}

const SWITCH: Builtin = {
  tag: 'switch',
  properties: { name: String, checked: Boolean, disabled: Boolean, type: String, color: String },
  create(host) {
    const input = box(host, 'checkbox')
    input.role = 'switch'
    input.addEventListener('change', () => {
      host.set('checked', input.checked)
      host.tell('change', { value: input.checked })
    })
    onReset(host, () => host.set('checked', false))
    return { ...reactionsOf(input), ...labelOf(input) }
  },
}

const SLIDER: Builtin = {
  tag: 'slider',
  properties: {
    name: String,
    min: Number,
    max: { value: 100 },
    step: { value: 1 },
    value: Number,
    disabled: Boolean,
    showValue: Boolean,
    activeColor: String,
    backgroundColor: String,
    blockSize: Number,
    blockColor: String,
  },
  create(host) {
    const input = box(host, 'range')
    const change = (type: string) => () => {
      host.set('value', Number(input.value))
      host.tell(type, { value: Number(input.value) })
    }
    input.addEventListener('input', change('changing'))
    input.addEventListener('change', change('change'))
    const number = (name: 'min' | 'max' | 'step' | 'value') => (value: number) => {
      input[name] = String(value)
    }
    return {
      min: number('min'),
      max: number('max'),
      step: number('step'),
      value: number('value'),
      disabled: (value: boolean) => {
        input.disabled = value
      },
      ...labelOf(input),
    }
  },
}

/** A radio or a checkbox: its group, around it, tells of the change. */
function choice(tag: 'radio' | 'checkbox'): Builtin {
  return {
    tag,
    properties: { value: String, checked: Boolean, disabled: Boolean, color: String },
    create(host) {
      const input = box(host, tag)
      input.addEventListener('change', () => {
        host.set('checked', input.checked)
        const group = host.element.closest(`${tag}-group`) as WithNode | null
        if (tag === 'radio')
          for (const other of choicesOf(group, tag)) if (other.node !== host.component) other.uncheck()
        const chosen = choicesOf(group, tag).filter(({ isChecked }) => isChecked)
        const values = chosen.map(({ value }) => value)
        const value = tag === 'radio' ? values[0] : values
        const node = group?.__wxElement
        if (!node || !Component.isComponent(node)) return
        node.setData({ value })
        node.triggerEvent('change', { value })
      })
      return { ...reactionsOf(input), ...labelOf(input) }
    },
  }
}

function group(tag: 'radio' | 'checkbox'): Builtin {
  return {
    tag: `${tag}-group`,
    properties: { name: String, value: null },
    create({ element }) {
      element.role = tag === 'radio' ? 'radiogroup' : 'group'
      return {}
    },
  }
}

interface Chosen {
  node: Node
  value: unknown
  isChecked: boolean
  uncheck(): void
}

function choicesOf(group: Element | null, tag: string): Chosen[] {
  return Array.from(group?.querySelectorAll<WithNode>(tag) ?? []).flatMap(({ __wxElement: node }) => {
    if (!node || !Component.isComponent(node)) return []
    const { value, checked } = node.data as { value: unknown; checked: boolean }
    return [{ node, value, isChecked: checked, uncheck: () => node.setData({ checked: false }) }]
  })
}

function reactionsOf(input: HTMLInputElement): Record<string, (value: never) => void> {
  return {
    checked: (value: boolean) => {
      input.checked = value
    },
    disabled: (value: boolean) => {
      input.disabled = value
    },
  }
}

/** The name is that of what a screen reader finds. */
function labelOf(input: HTMLInputElement): Record<string, (value: never) => void> {
  return {
    ariaLabel: (value: string) => {
      input.ariaLabel = value
    },
  }
}

export const CHOICES: Builtin[] = [
  SWITCH,
  SLIDER,
  choice('radio'),
  choice('checkbox'),
  group('radio'),
  group('checkbox'),
]
