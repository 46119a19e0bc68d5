/** ms that a toast stays: wx.showToast's default. */
const TOAST_TIME = 1500

/** `wx.showToast()`. */
export function showToast({ title, icon = 'success' }: { title: string; icon?: string }): void {
  document.querySelector('.toast')?.remove()
  const toast = element('div', `toast is-${icon}`, title)
  toast.role = 'status'
  document.body.append(toast)
  setTimeout(() => toast.remove(), TOAST_TIME)
}

interface ModalOptions {
  title: string
  content: string
  confirmText?: string
  confirmColor?: string
  success?(result: { confirm: boolean; cancel: boolean }): void
}

/** `wx.showModal()`. */
export function showModal({
  title,
  content,
  confirmText = '确定',
  confirmColor,
  success,
}: ModalOptions): void {
  const dialog = document.createElement('dialog')
  dialog.className = 'modal'
  const cancel = button('取消')
  const confirm = button(confirmText)
  confirm.style.color = confirmColor ?? ''
  dialog.append(element('h2', '', title), element('p', '', content), cancel, confirm)
  cancel.addEventListener('click', () => dialog.close())
  confirm.addEventListener('click', () => dialog.close('confirm'))
  dialog.addEventListener('close', () => {
    dialog.remove()
    const isConfirmed = dialog.returnValue === 'confirm'
    success?.({ confirm: isConfirmed, cancel: !isConfirmed })
  })
  document.body.append(dialog)
  dialog.showModal()

  function button(text: string): HTMLButtonElement {
    const made = element('button', '', text) as HTMLButtonElement
    made.type = 'button'
    return made
  }
}

function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}
