/** What compiled WXML (server/wxml.ts) gives for an element. */
export interface Node {
  tag: string
  key: string | number | undefined
  attributes: Record<string, unknown>
  data: Record<string, unknown>
  events: Record<string, string>
  children: (Node | string)[]
}

type Child = Node | string | null | Child[]
type Described = Partial<Pick<Node, 'key' | 'attributes' | 'data' | 'events'>>

/** What compiled WXML is made with. */
export const parts = {
  h: (tag: string, { key, attributes = {}, data = {}, events = {} }: Described, children: Child[]): Node => {
    return { tag, key, attributes, data, events, children: flat(children) }
  },
  each: <Item>(list: Item[], node: (item: Item, index: number) => Child): Child => (list ?? []).map(node),
  text: (value: unknown): string => String(value ?? ''),
}

export type Render = (data: Record<string, unknown>, tools: typeof parts) => Child[]

/** Tells the page of an event; `detail` and what else belongs to it are the event's own. */
export type Emit = (handler: string, type: string, data: Record<string, unknown>, fields: object) => void

/** What a tag of WXML is in HTML; those that are not here are <div>. */
const ELEMENTS: Record<string, string> = {
  text: 'span',
  image: 'img',
  button: 'button',
  input: 'input',
  canvas: 'canvas',
}

/** ms: developers.weixin.qq.com/miniprogram/dev/framework/view/wxml/event.html */
const LONG_PRESS = 350

interface Mounted {
  element: HTMLElement
  node: Node
  children: Map<string, Mounted | Text>
}

/**
 * Shows what a page renders. What was there already is kept and only changed, so that a canvas keeps its picture and
 * an input its focus.
 */
export function createScreen(
  root: ParentNode & globalThis.Node,
  emit: Emit,
): { show(children: Child[]): void } {
  const mounted = new Map<string, Mounted | Text>()
  return { show: (children) => patch(root, mounted, flat(children)) }

  function patch(
    parent: globalThis.Node,
    before: Map<string, Mounted | Text>,
    nodes: (Node | string)[],
  ): void {
    const left = new Map(before)
    before.clear()
    nodes.forEach((node, i) => {
      const id = identity(node, before)
      const found = left.get(id)
      left.delete(id)
      const shown = typeof node === 'string' ? showText(found, node) : showElement(found, node)
      before.set(id, shown)
      const element = shown instanceof Text ? shown : shown.element
      if (parent.childNodes[i] !== element) parent.insertBefore(element, parent.childNodes[i] ?? null)
    })
    for (const gone of left.values()) (gone instanceof Text ? gone : gone.element).remove()
  }

  function showText(found: Mounted | Text | undefined, text: string): Text {
    if (!(found instanceof Text)) return document.createTextNode(text)
    if (found.data !== text) found.data = text
    return found
  }

  function showElement(found: Mounted | Text | undefined, node: Node): Mounted {
    const shown = found && !(found instanceof Text) ? found : create(node)
    shown.node = node
    for (const [name, value] of Object.entries(node.attributes)) set(shown.element, name, value)
    patch(shown.element, shown.children, node.children)
    return shown
  }

  function create(node: Node): Mounted {
    const element = document.createElement(ELEMENTS[node.tag] ?? 'div')
    const mounted: Mounted = { element, node, children: new Map() }
    const tell = (type: string, fields: object) => {
      const { events, data } = mounted.node
      if (events[type]) emit(events[type], type, data, fields)
    }
    if (element instanceof HTMLButtonElement) element.type = 'button'
    if (element instanceof HTMLImageElement) element.alt = ''
    if (element instanceof HTMLInputElement) listenToInput(element, tell)
    else if (element instanceof HTMLCanvasElement) listenToTouches(element, tell)
    else listenToTaps(element, tell)
    return mounted
  }
}

type Tell = (type: string, fields: object) => void

function listenToInput(input: HTMLInputElement, tell: Tell): void {
  for (const type of ['input', 'blur'])
    input.addEventListener(type, () => tell(type, { detail: { value: input.value } }))
  input.addEventListener('keydown', ({ key }) => key === 'Enter' && input.blur())
}

/** A pointer is the one finger of this phone. */
function listenToTouches(canvas: HTMLCanvasElement, tell: Tell): void {
  const send = (type: string, { clientX, clientY }: PointerEvent) => {
    const { left, top } = canvas.getBoundingClientRect()
    const touch = { identifier: 0, x: clientX - left, y: clientY - top, clientX, clientY }
    const touches = type === 'touchend' ? [] : [touch]
    tell(type, { touches, changedTouches: [touch], detail: {} })
  }
  let finger: number | undefined
  canvas.addEventListener('pointerdown', (event) => {
    if (finger !== undefined || event.button !== 0) return
    finger = event.pointerId
    canvas.setPointerCapture(finger)
    send('touchstart', event)
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== finger) return
    // A browser reports once for each frame; the points between are what makes a curve smooth.
    const between = event.getCoalescedEvents?.() ?? []
    for (const point of between.length > 0 ? between : [event]) send('touchmove', point)
  })
  for (const type of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(type, (event) => {
      if (event.pointerId !== finger) return
      finger = undefined
      send('touchend', event)
    })
  }
}

function listenToTaps(element: HTMLElement, tell: Tell): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let wasLong = false
  element.addEventListener('pointerdown', () => {
    wasLong = false
    timer = setTimeout(() => {
      wasLong = true
      tell('longpress', { detail: {} })
    }, LONG_PRESS)
  })
  for (const type of ['pointerup', 'pointercancel', 'pointerleave'])
    element.addEventListener(type, () => clearTimeout(timer))
  element.addEventListener('contextmenu', (event) => event.preventDefault())
  element.addEventListener('click', () => {
    if (wasLong) return
    tell('tap', { detail: {} })
    tell('chooseavatar', { detail: {} })
  })
}

function set(element: HTMLElement, name: string, value: unknown): void {
  const text = String(value ?? '')
  if (name === 'class') element.className = text
  else if (name === 'style') element.style.cssText = withoutRpx(text)
  else if (name === 'disabled' && element instanceof HTMLButtonElement) element.disabled = value === true
  else if (name === 'mode') element.style.objectFit = text === 'aspectFill' ? 'cover' : 'contain'
  else if (name === 'value' && element instanceof HTMLInputElement) {
    if (element !== (element.getRootNode() as ShadowRoot).activeElement) element.value = text
  } else if (element.getAttribute(name) !== text)
    element.setAttribute(name.replace('aria-role', 'role'), text)
}

/** An rpx is a 750th of the width of the screen. */
export function withoutRpx(css: string): string {
  return css.replace(/(-?[\d.]+)rpx\b/g, 'calc($1 * 100vw / 750)')
}

/** Who a node is among its siblings: by its key, or the how manyeth of its tag it is. */
function identity(node: Node | string, taken: Map<string, unknown>): string {
  const tag = typeof node === 'string' ? '' : node.tag
  if (typeof node !== 'string' && node.key !== undefined) return `${tag}=${node.key}`
  let nth = 0
  while (taken.has(`${tag}#${nth}`)) nth++
  return `${tag}#${nth}`
}

function flat(children: Child[]): (Node | string)[] {
  return children.flatMap((child) => (Array.isArray(child) ? flat(child) : (child ?? [])))
}
