const { isCanvasActions, strokesFromActions } = require('./canvas-actions')

/**
 * @typedef {{ color: string, width: number }} Brush
 * @typedef {Brush & { points: number[] }} Stroke `points` are x and y in turn, on a paper 1000 wide
 */

/** The paper that everything is drawn on, whatever the size of the screen. */
const PAPER = { width: 1000, height: 1250 }

/** Points that are nearer than this to the one before say nothing new, and cost room. */
const MIN_DISTANCE = 3

/** What one stroke may have: who goes on begins another where this one ends. */
const MAX_POINTS = 2000

/**
 * A drawing while it is drawn.
 * @param {Stroke[]} [begun]
 */
function createSketch(begun = []) {
  const strokes = [...begun]
  /** @type {Stroke | undefined} */
  let current

  /**
   * @param {Brush} brush
   * @param {number} x
   * @param {number} y
   * @returns {Stroke}
   */
  function begin({ color, width }, x, y) {
    current = { color, width, points: [onPaper(x, PAPER.width), onPaper(y, PAPER.height)] }
    strokes.push(current)
    return current
  }

  return {
    strokes: () => strokes,
    begin,

    /**
     * Goes on to a point. Gives the stroke if it became longer.
     * @param {number} x
     * @param {number} y
     * @returns {Stroke | undefined}
     */
    extend(x, y) {
      if (!current) return undefined
      const { points } = current
      const [px = 0, py = 0] = points.slice(-2)
      if (points.length / 2 >= MAX_POINTS) begin(current, px, py)
      const [nx, ny] = [onPaper(x, PAPER.width), onPaper(y, PAPER.height)]
      if (Math.abs(nx - px) + Math.abs(ny - py) < MIN_DISTANCE) return undefined
      current.points.push(nx, ny)
      return current
    },

    /** Whether there was a stroke to be ended. */
    end() {
      const wasDrawing = current !== undefined
      current = undefined
      return wasDrawing
    },

    undo() {
      current = undefined
      strokes.pop()
    },
  }
}

/**
 * Whole numbers, of what is on the paper.
 * @param {number} value
 * @param {number} max
 */
function onPaper(value, max) {
  return Math.round(Math.min(Math.max(value, 0), max))
}

/** @param {Stroke[]} strokes */
function actionsOf(strokes) {
  return JSON.stringify(strokes)
}

/**
 * The strokes of a drawing that was saved, also by the pages of 2016; none of one that cannot be read.
 * @param {string | null | undefined} actions
 * @returns {Stroke[]}
 */
function strokesOf(actions) {
  try {
    const parts = JSON.parse(actions || '[]')
    if (!Array.isArray(parts)) return []
    return isCanvasActions(parts) ? strokesFromActions(parts) : parts.filter(isStroke)
  } catch (_error) {
    return []
  }
}

/** @param {unknown} value */
function isStroke(value) {
  if (typeof value !== 'object' || value === null) return false
  const { color, width, points } = /** @type {Partial<Stroke>} */ (value)
  return (
    typeof color === 'string' &&
    /^#[\da-f]{6}$/i.test(color) &&
    typeof width === 'number' &&
    Array.isArray(points) &&
    points.length >= 2 &&
    points.every((point) => typeof point === 'number')
  )
}

module.exports = { PAPER, createSketch, actionsOf, strokesOf }
