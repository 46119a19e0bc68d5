/** Shows what the mini program asked for and does not get here, and what went wrong: nothing fails without a word. */
export interface Notices {
  /** Once for each sentence. */
  tell(sentence: string): void
  fail(error: unknown): void
}

export function createNotices(): Notices {
  const told = new Set<string>()
  const list = document.createElement('ul')
  const box = document.createElement('aside')
  box.className = 'notices'
  box.role = 'log'
  box.ariaLabel = '模拟器提示 · Notices of the simulator'
  const close = document.createElement('button')
  close.type = 'button'
  close.className = 'notices-close'
  close.ariaLabel = '关闭 · Close'
  close.addEventListener('click', () => box.remove())
  box.append(list, close)

  return {
    tell: (sentence) => show(sentence, 'is-notice'),
    fail: (error) =>
      show(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 'is-error'),
  }

  function show(sentence: string, kind: string): void {
    if (told.has(sentence)) return
    told.add(sentence)
    const item = document.createElement('li')
    item.className = kind
    item.textContent = sentence
    list.append(item)
    if (!box.isConnected) document.body.append(box)
    console[kind === 'is-error' ? 'error' : 'warn'](`weapp-simulator: ${sentence}`)
  }
}
