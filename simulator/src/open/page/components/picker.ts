import { ask } from '../ui.js'
import type { Builtin, Host } from './define.js'

/** Which field of HTML picks what. Those that are not here are not simulated. */
const FIELDS: Record<
  string,
  (host: Host) => { field: HTMLSelectElement | HTMLInputElement; value(): unknown }
> = {
  selector(host) {
    const field = document.createElement('select')
    const range = (host.get('range') as unknown[] | undefined) ?? []
    const key = String(host.get('rangeKey') ?? '')
    range.forEach((item, i) => {
      const text = key ? (item as Record<string, unknown>)[key] : item
      field.append(new Option(String(text), `${i}`, false, i === Number(host.get('value'))))
    })
    return { field, value: () => field.value }
  },
  date: inputOf('date'),
  time: inputOf('time'),
}

function inputOf(type: 'date' | 'time') {
  return (host: Host) => {
    const field = document.createElement('input')
    field.type = type
    field.value = String(host.get('value') ?? '')
    field.min = String(host.get('start') ?? '')
    field.max = String(host.get('end') ?? '')
    return { field, value: () => field.value }
  }
}

export const PICKER: Builtin = {
  tag: 'picker',
  properties: {
    name: String,
    mode: { value: 'selector' },
    value: null,
    range: null,
    rangeKey: String,
    start: String,
    end: String,
    fields: String,
    disabled: Boolean,
    headerText: String,
  },
  create(host, { notices }) {
    const { element } = host
    element.role = 'button'
    element.tabIndex = 0
    element.addEventListener('click', async () => {
      if (host.get('disabled')) return
      const mode = String(host.get('mode'))
      const make = FIELDS[mode]
      if (!make) return notices.tell(`<picker mode="${mode}"> is not simulated.`)
      const { field, value } = make(host)
      field.ariaLabel = String(host.get('headerText') || '选择')
      const choices = [
        { text: '取消', value: '' },
        { text: '确定', value: 'ok' },
      ]
      if ((await ask(String(host.get('headerText') ?? ''), field, choices)) !== 'ok')
        return host.tell('cancel')
      host.set('value', value())
      host.tell('change', { value: value() })
    })
    return {}
  },
}
