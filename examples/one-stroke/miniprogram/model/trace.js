/**
 * The way a pen goes through the points of a stroke: a curve through the middles between them, so that it has no
 * corners. A canvas is such a pen; the one of picture.js writes SVG.
 *
 * @typedef {{
 *   moveTo(x: number, y: number): void
 *   lineTo(x: number, y: number): void
 *   quadraticCurveTo(cx: number, cy: number, x: number, y: number): void
 * }} Pen
 *
 * @param {number[]} points
 * @param {Pen} pen
 * @param {number} [from] the point to begin at: to add to what is on the canvas already
 */
function trace(points, pen, from = 0) {
  const at = (/** @type {number} */ i) => [points[2 * i] || 0, points[2 * i + 1] || 0]
  const middle = (/** @type {number} */ i) => {
    const [x, y] = at(i)
    const [nextX, nextY] = at(i + 1)
    return [(x + nextX) / 2, (y + nextY) / 2]
  }
  const last = points.length / 2 - 1
  const [startX, startY] = from > 0 ? middle(from - 1) : at(0)
  pen.moveTo(startX, startY)
  for (let i = Math.max(from, 1); i < last; i++) {
    const [cx, cy] = at(i)
    const [x, y] = middle(i)
    pen.quadraticCurveTo(cx, cy, x, y)
  }
  const [endX, endY] = at(last)
  // A dot has no length, and canvases draw nothing of such a line.
  pen.lineTo(last === 0 ? endX + 0.1 : endX, endY)
}

module.exports = { trace }
