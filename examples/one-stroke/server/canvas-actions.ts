/**
 * What `wx.drawCanvas()` takes, and `getActions()` of its context gave in 2016: `{ method: 'moveTo', data: [12, 34] }`, with
 * the actions of a path in the `data` of `strokePath`. The original app's pages save a drawing as an array of these.
 */
export interface CanvasAction {
  method: string
  data: CanvasValue[]
}

type CanvasValue = number | string | boolean | CanvasAction | CanvasValue[]

/** Actions and values of one drawing. */
export const VALUES_MAX = 50_000

/** A path is in an action, and a color is an array in the data of one. */
const DEPTH_MAX = 4

const METHOD = /^[a-z][A-Za-z]{0,30}$/
const TEXT_MAX = 40

/** Whether a drawing is one of the original app's pages: its first part says so. */
export function isCanvasActions(parts: unknown[]): boolean {
  const [first] = parts
  return typeof first === 'object' && first !== null && Object.hasOwn(first, 'method')
}

/**
 * The actions, without fields that none has; `undefined` where one of them is none. Their number is checked before: it is
 * that of {@link countValues}.
 */
export function checkedActions(actions: unknown[], depth = 0): CanvasAction[] | undefined {
  const checked = actions.map((action) => checkedAction(action, depth))
  return checked.every((action) => action !== undefined) ? checked : undefined
}

/** How many actions and values there are, down to where they are looked at. */
export function countValues(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > 2 * DEPTH_MAX) return 1
  const inner = Array.isArray(value) ? value : [(value as Partial<CanvasAction>).data]
  return inner.reduce((sum: number, one) => sum + countValues(one, depth + 1), 1)
}

function checkedAction(action: unknown, depth: number): CanvasAction | undefined {
  const { method, data } = (action ?? {}) as Partial<Record<keyof CanvasAction, unknown>>
  if (typeof method !== 'string' || !METHOD.test(method) || !Array.isArray(data)) return undefined
  const values = data.map((value) => checkedValue(value, depth + 1))
  return values.every((value) => value !== undefined) ? { method, data: values } : undefined
}

function checkedValue(value: unknown, depth: number): CanvasValue | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value === 'string') return value.length <= TEXT_MAX ? value : undefined
  if (typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return undefined
  if (!Array.isArray(value)) return checkedAction(value, depth)
  const values = value.map((one) => checkedValue(one, depth + 1))
  return values.every((one) => one !== undefined) ? values : undefined
}
