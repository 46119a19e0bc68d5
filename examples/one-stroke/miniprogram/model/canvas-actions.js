/**
 * What the pages of the original app (2016) save: the actions of a canvas, `{ method, data }`. Here they become strokes, so
 * that a drawing from before is seen, and can be gone on with.
 *
 * @typedef {{ method?: unknown, data?: unknown }} Action
 */

/** Their points are those of the screen, 375 wide on most phones of that time; our paper is 1000 wide. */
const SCALE = 1000 / 375

/** The pen of a canvas, before anything is said about it. */
const COLOR = '#000000'
const WIDTH = 1

/** @param {unknown[]} parts */
function isCanvasActions(parts) {
  return (
    parts.length > 0 && parts.every((part) => typeof part === 'object' && part !== null && 'method' in part)
  )
}

/**
 * @param {Action[]} actions
 * @returns {import('./sketch').Stroke[]}
 */
function strokesFromActions(actions) {
  /** @type {import('./sketch').Stroke[]} */
  const strokes = []
  let color = COLOR
  let width = WIDTH
  for (const { method, data } of actions) {
    const values = Array.isArray(data) ? data : []
    if (method === 'setStrokeStyle') color = colorOf(values)
    else if (method === 'setLineWidth') width = Number(values[0]) || WIDTH
    else if (method === 'strokePath') {
      const points = pointsOf(values)
      const scaled = Math.min(64, Math.max(1, Math.round(width * SCALE)))
      if (points.length > 0) strokes.push({ color, width: scaled, points })
    }
  }
  return strokes
}

/** @param {Action[]} path */
function pointsOf(path) {
  return path.flatMap(({ method, data }) => {
    const isPoint = (method === 'moveTo' || method === 'lineTo') && Array.isArray(data)
    if (!isPoint) return []
    return data.slice(0, 2).map((value) => Math.max(0, Math.round(Number(value) * SCALE)))
  })
}

/** `['normal', [r, g, b, a]]`, or the color as it was written. @param {unknown[]} values */
function colorOf([first, parts]) {
  if (!Array.isArray(parts)) return typeof first === 'string' && /^#[\da-f]{6}$/i.test(first) ? first : COLOR
  return `#${parts
    .slice(0, 3)
    .map((part) =>
      Math.min(255, Math.max(0, Math.round(Number(part))))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`
}

module.exports = { isCanvasActions, strokesFromActions }
