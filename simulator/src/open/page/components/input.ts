import type { Builtin, Host } from './define.js'
import { onReset } from './form.js'

const PROPERTIES = {
  name: String,
  value: String,
  type: { value: 'text' },
  password: Boolean,
  placeholder: String,
  placeholderStyle: String,
  placeholderClass: String,
  disabled: Boolean,
  maxlength: { value: 140 },
  cursorSpacing: Number,
  autoFocus: Boolean,
  focus: Boolean,
  confirmType: String,
  confirmHold: Boolean,
  cursor: Number,
  selectionStart: Number,
  selectionEnd: Number,
  adjustPosition: { value: true },
  holdKeyboard: Boolean,
  autoHeight: Boolean,
  fixed: Boolean,
  showConfirmBar: { value: true },
  disableDefaultPadding: Boolean,
}

type Field = HTMLInputElement | HTMLTextAreaElement

/** Which keyboard a browser shows. A nickname is a text here. */
const MODES: Record<string, string> = { number: 'numeric', digit: 'decimal', idcard: 'text' }

export const FIELDS: Builtin[] = ['input', 'textarea'].map((tag) => ({
  tag,
  properties: PROPERTIES,
  create: (host) => createField(host, host.element as Field),
}))

function createField(host: Host, field: Field): Record<string, (value: never) => void> {
  const { tell, set } = host
  field.maxLength = 140
  field.addEventListener('input', () => {
    set('value', field.value)
    tell('input', { value: field.value, cursor: field.selectionEnd ?? field.value.length, keyCode: 0 })
  })
  field.addEventListener('focus', () => tell('focus', { value: field.value, height: 0 }))
  field.addEventListener('blur', () => tell('blur', { value: field.value, cursor: field.selectionEnd ?? 0 }))
  field.addEventListener('keydown', (event) => {
    const { key } = event as KeyboardEvent
    if (key !== 'Enter' || field instanceof HTMLTextAreaElement) return
    tell('confirm', { value: field.value })
    if (!host.get('confirmHold')) field.blur()
  })
  onReset(host, () => {
    field.value = ''
    set('value', '')
  })
  return {
    value: (value: string) => {
      if (field.value !== value) field.value = value
    },
    type: (value: string) => {
      field.inputMode = MODES[value] ?? ''
      if (field instanceof HTMLInputElement)
        field.type = host.get('password') || value === 'safe-password' ? 'password' : 'text'
    },
    password: (value: boolean) => {
      if (field instanceof HTMLInputElement) field.type = value ? 'password' : 'text'
    },
    placeholder: (value: string) => {
      field.placeholder = value
    },
    disabled: (value: boolean) => {
      field.disabled = value
    },
    // -1 stands for any length.
    maxlength: (value: number) => {
      if (value < 0) field.removeAttribute('maxlength')
      else field.maxLength = value
    },
    focus: (value: boolean) => void (value ? queueMicrotask(() => field.focus()) : field.blur()),
    autoFocus: (value: boolean) => void (value && queueMicrotask(() => field.focus())),
  }
}
