import { Component, type Element as Node } from 'glass-easel'
import type { Builtin, Host } from './define.js'

type WithNode = Element & { __wxElement?: Node }

/** A field, by what it adds to `value` of a submitted form. */
const FIELDS = 'input, textarea, switch, slider, picker, checkbox-group, radio-group, [wx-field]'

const resets = new WeakMap<Element, () => void>()

/** What puts a field back to how it began, when its form is reset. */
export function onReset({ element }: Host, reset: () => void): void {
  resets.set(element, reset)
}

/** The fields of a form by their names, with what they hold: `checked` of a switch, `value` of all others. */
function valuesOf(form: Element): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const field of form.querySelectorAll<WithNode>(FIELDS)) {
    const node = field.__wxElement
    if (!node || !Component.isComponent(node)) continue
    const data = node.data as Record<string, unknown>
    if (data.name) values[String(data.name)] = field.localName === 'switch' ? data.checked : data.value
  }
  return values
}

export function submitForm(button: Element, { component }: Host): void {
  const node = (button.closest('form') as WithNode | null)?.__wxElement
  if (!node) return
  const target = { id: component.id, dataset: component.dataset }
  node.triggerEvent('submit', { value: valuesOf(button.closest('form') as Element), target })
}

export function resetForm(button: Element): void {
  const form = button.closest('form') as WithNode | null
  for (const field of form?.querySelectorAll(FIELDS) ?? []) resets.get(field)?.()
  form?.__wxElement?.triggerEvent('reset', {})
}

export const FORM: Builtin = {
  tag: 'form',
  properties: { reportSubmit: Boolean, reportSubmitTimeout: Number },
  create({ element }) {
    // The browser would leave the page.
    element.addEventListener('submit', (event) => event.preventDefault())
    return {}
  },
}

/** A label taps its field: the first one in it, or that of `for`. */
export const LABEL: Builtin = {
  tag: 'label',
  properties: { for: String },
  create(host) {
    const label = host.element
    label.addEventListener('click', ({ target }) => {
      if ((target as Element).closest('input, button, textarea')) return
      const id = String(host.get('for') ?? '')
      const field = id ? fieldOf(host, id) : label.querySelector('input, button, textarea')
      if (field instanceof HTMLElement) {
        field.click()
        field.focus()
      }
    })
    return {}
  },
}

function fieldOf({ component }: Host, id: string): Element | undefined {
  const node = component.ownerShadowRoot?.querySelector(`#${CSS.escape(id)}`)
  const element = node?.getBackendElement() as unknown as Element | undefined
  return element?.matches('input, button, textarea')
    ? element
    : (element?.querySelector('input') ?? undefined)
}
