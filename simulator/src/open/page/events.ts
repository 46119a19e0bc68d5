import { type Element as Node, triggerEvent } from 'glass-easel'
import { PRESSED } from './components/define.js'

/** ms: developers.weixin.qq.com/miniprogram/dev/framework/view/wxml/event.html */
const LONG_PRESS = 350

type Target = Element & { __wxElement?: Node }

interface Touch {
  identifier: 0
  clientX: number
  clientY: number
  pageX: number
  pageY: number
  /** On a canvas: from its corner. */
  x?: number
  y?: number
}

/** Pixels that a finger may move in a long press. */
const STILL = 10

/**
 * Makes WeChat's events of what happens on the pages: `tap`, `longpress` and touches. A pointer, a mouse or a finger, is
 * the one finger of this phone; a click by the keyboard is a tap too.
 */
export function listenToHands(): void {
  let finger: { id: number; target: Target; x: number; y: number } | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let wasLong = false

  on('pointerdown', (event) => {
    const isSecond = finger !== undefined && finger.id !== event.pointerId
    if (isSecond || event.button !== 0) return
    const target = targetOf(event)
    finger = { id: event.pointerId, target, x: event.clientX, y: event.clientY }
    if (target instanceof HTMLCanvasElement) target.setPointerCapture(event.pointerId)
    sendTouch(target, 'touchstart', event)
    wasLong = false
    clearTimeout(timer)
    timer = setTimeout(() => {
      wasLong = true
      for (const type of ['longpress', 'longtap'])
        send(target, type, pointOf(event), touchesOf(target, event))
    }, LONG_PRESS)
  })
  on('pointermove', (event) => {
    if (event.pointerId !== finger?.id) return
    if (Math.hypot(event.clientX - finger.x, event.clientY - finger.y) > STILL) clearTimeout(timer)
    // A browser reports once for each frame; the points between are what makes a curve smooth.
    const between = event.getCoalescedEvents?.() ?? []
    for (const point of between.length > 0 ? between : [event]) sendTouch(finger.target, 'touchmove', point)
  })
  for (const [type, touch] of [
    ['pointerup', 'touchend'],
    ['pointercancel', 'touchcancel'],
  ] as const) {
    on(type, (event) => {
      if (event.pointerId !== finger?.id) return
      clearTimeout(timer)
      const { target } = finger
      finger = undefined
      sendTouch(target, touch, event)
    })
  }
  on('contextmenu', (event) => event.preventDefault())
  on('click', (event) => {
    const target = targetOf(event)
    if (wasLong && event.detail > 0) return
    send(target, 'tap', pointOf(event), touchesOf(target, event))
  })
  document.addEventListener('keydown', (event) => {
    const target = targetOf(event)
    const isPressed = event.key === 'Enter' || event.key === ' '
    if (!isPressed || !(target instanceof HTMLElement) || !PRESSED.has(target.role ?? '')) return
    // HTML's own elements click by themselves.
    if (target.matches('button, input, textarea')) return
    event.preventDefault()
    target.click()
  })
}

function on(type: string, listener: (event: PointerEvent) => void): void {
  document.addEventListener(type, (event) => listener(event as PointerEvent))
}

/** Pages are shadow roots: the document sees the element within through the event's path alone. */
function targetOf(event: Event): Target {
  return event.composedPath()[0] as Target
}

function sendTouch(target: Target, type: string, event: PointerEvent): void {
  const fields = touchesOf(target, event)
  send(target, type, {}, type === 'touchend' || type === 'touchcancel' ? { ...fields, touches: [] } : fields)
}

function touchesOf(target: Target, { clientX, clientY, pageX, pageY }: MouseEvent): Record<string, Touch[]> {
  const touch: Touch = { identifier: 0, clientX, clientY, pageX, pageY }
  if (target instanceof HTMLCanvasElement) {
    const { left, top } = target.getBoundingClientRect()
    touch.x = clientX - left
    touch.y = clientY - top
  }
  return { touches: [touch], changedTouches: [touch] }
}

function pointOf({ clientX, clientY }: MouseEvent): { x: number; y: number } {
  return { x: clientX, y: clientY }
}

/** Events of hands go through every component around them. */
function send(target: Target, type: string, detail: object, extraFields: Record<string, unknown>): void {
  let element: Target | null = target
  while (element && !element.__wxElement) element = element.parentElement
  const node = element?.__wxElement
  if (node)
    triggerEvent(node, type, detail, { bubbles: true, composed: true, capturePhase: true, extraFields })
}
