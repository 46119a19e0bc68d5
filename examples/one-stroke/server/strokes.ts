import { checkedActions, countValues, isCanvasActions, VALUES_MAX } from './canvas-actions.js'
import { DrawingError } from './errors.js'

/** One stroke of the finger. */
export interface Stroke {
  /** `#rrggbb` */
  color: string
  /** 1 to 64, in the units of the points. */
  width: number
  /** x0, y0, x1, y1, …: x from 0 to 1000, y from 0 to 2000, with one decimal at most. */
  points: number[]
}

const STROKES_MAX = 2000
const WIDTH_MAX = 64
const X_MAX = 1000
const Y_MAX = 2000

/**
 * Checks the strokes of a drawing, given as an array or as JSON, and serialises them: fields that no stroke has are
 * left out, so that nothing is kept, and later given to a phone, that is not a drawing. The pages of the original app
 * send what a canvas did instead (canvas-actions.ts); that comes back to them as it was.
 *
 * @throws {DrawingError} ERR_DRAWING_INVALID, ERR_DRAWING_TOO_LARGE
 */
export function serialiseStrokes(actions: unknown): string {
  const strokes = typeof actions === 'string' ? parse(actions) : actions
  if (!Array.isArray(strokes)) throw invalid('actions must be an array of strokes, or the JSON of one')
  if (isCanvasActions(strokes)) return serialiseActions(strokes)
  if (strokes.length > STROKES_MAX) {
    throw new DrawingError('ERR_DRAWING_TOO_LARGE', `A drawing has ${STROKES_MAX} strokes at most.`)
  }
  return JSON.stringify(strokes.map(checkedStroke))
}

function serialiseActions(actions: unknown[]): string {
  if (countValues(actions) > VALUES_MAX) {
    throw new DrawingError('ERR_DRAWING_TOO_LARGE', `A drawing has ${VALUES_MAX} actions and values at most.`)
  }
  const checked = checkedActions(actions)
  if (!checked)
    throw invalid('actions must be strokes, or what getActions() of a canvas gives: { method, data }')
  return JSON.stringify(checked)
}

function checkedStroke(stroke: unknown, index: number): Stroke {
  const { color, width, points } = (stroke ?? {}) as Record<keyof Stroke, unknown>
  if (typeof color !== 'string' || !/^#[0-9a-f]{6}$/i.test(color)) {
    throw invalid(`actions[${index}].color must look like #1a2b3c`)
  }
  if (!isMeasure(width, WIDTH_MAX) || width < 1) {
    throw invalid(`actions[${index}].width must be a number from 1 to ${WIDTH_MAX}`)
  }
  if (!isPoints(points)) {
    throw invalid(
      `actions[${index}].points must be [x0, y0, x1, y1, …]: x up to ${X_MAX}, y up to ${Y_MAX}, with one decimal at most`,
    )
  }
  return { color, width, points }
}

function isPoints(points: unknown): points is number[] {
  if (!Array.isArray(points) || points.length === 0 || points.length % 2 !== 0) return false
  return points.every((point, index) => isMeasure(point, index % 2 === 0 ? X_MAX : Y_MAX))
}

/** From 0 to a maximum, with one decimal at most. */
function isMeasure(value: unknown, max: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= max && Math.round(value * 10) / 10 === value
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new DrawingError('ERR_DRAWING_INVALID', 'actions is a text that is no JSON.', { cause })
  }
}

function invalid(what: string): DrawingError {
  return new DrawingError('ERR_DRAWING_INVALID', `${what}.`)
}
