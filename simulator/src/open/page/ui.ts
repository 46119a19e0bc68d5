import { type Callbacks, settle } from './wx/callbacks.js'

/** ms that a toast stays: wx.showToast's default. */
const TOAST_TIME = 1500

interface ToastOptions extends Callbacks {
  title: string
  icon?: string
  duration?: number
}

let toastTimer: ReturnType<typeof setTimeout> | undefined

/** `wx.showToast()`. */
export function showToast({ title, icon = 'success', duration = TOAST_TIME, ...callbacks }: ToastOptions) {
  return settle('showToast', callbacks, () => {
    display(title, icon)
    toastTimer = setTimeout(remove, duration)
  })
}

/** `wx.showLoading()`: a toast that stays. */
export function showLoading({ title, ...callbacks }: ToastOptions) {
  return settle('showLoading', callbacks, () => display(title, 'loading'))
}

export function hideToast(callbacks: Callbacks = {}) {
  return settle('hideToast', callbacks, remove)
}

export function hideLoading(callbacks: Callbacks = {}) {
  return settle('hideLoading', callbacks, remove)
}

function display(title: string, icon: string): void {
  remove()
  const toast = element('div', `toast is-${icon}`, title)
  toast.role = 'status'
  document.body.append(toast)
}

function remove(): void {
  clearTimeout(toastTimer)
  document.querySelector('.toast')?.remove()
}

interface ModalOptions extends Callbacks {
  title?: string
  content?: string
  showCancel?: boolean
  cancelText?: string
  confirmText?: string
  confirmColor?: string
}

/** `wx.showModal()`. */
export function showModal({
  title = '',
  content = '',
  showCancel = true,
  cancelText = '取消',
  confirmText = '确定',
  confirmColor,
  ...callbacks
}: ModalOptions) {
  return settle('showModal', callbacks, async () => {
    const confirm = { text: confirmText, value: 'confirm', color: confirmColor }
    const buttons = showCancel ? [{ text: cancelText, value: '' }, confirm] : [confirm]
    const isConfirmed = (await ask(title, content, buttons)) === 'confirm'
    return { confirm: isConfirmed, cancel: !isConfirmed }
  })
}

/** `wx.showActionSheet()`. */
export function showActionSheet({ itemList, ...callbacks }: Callbacks & { itemList: string[] }) {
  return settle('showActionSheet', callbacks, async () => {
    const items = itemList.map((text, i) => ({ text, value: `${i}`, isWide: true }))
    const chosen = await ask('', '', [...items, { text: '取消', value: '', isWide: true }])
    if (chosen === '') throw new Error('showActionSheet:fail cancel')
    return { tapIndex: Number(chosen) }
  })
}

export interface Choice {
  text: string
  /** What is given when it is chosen. The empty one is that of Escape. */
  value: string
  color?: string | undefined
  isWide?: boolean
}

/** A dialog of WeChat's own. Gives the value of the button. */
export function ask(title: string, content: string | HTMLElement, choices: Choice[]): Promise<string> {
  const dialog = document.createElement('dialog')
  dialog.className = 'modal'
  if (title) {
    const heading = element('h2', '', title)
    heading.id = 'modal-title'
    dialog.setAttribute('aria-labelledby', heading.id)
    dialog.append(heading)
  }
  if (typeof content !== 'string') dialog.append(content)
  else if (content) dialog.append(element('p', '', content))
  for (const { text, value, color, isWide } of choices) {
    const button = element('button', isWide ? 'is-wide' : '', text) as HTMLButtonElement
    button.type = 'button'
    button.style.color = color ?? ''
    button.addEventListener('click', () => dialog.close(value))
    dialog.append(button)
  }
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue)
    })
  })
}

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.textContent = text
  return made
}
