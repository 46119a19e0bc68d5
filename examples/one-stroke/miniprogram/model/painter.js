const { PAPER } = require('./sketch')
const { trace } = require('./trace')

/**
 * Draws strokes on a canvas (type="2d") of whatever size.
 * @param {{ width: number, height: number, getContext(type: '2d'): any }} canvas
 * @param {number} width of the canvas, in device pixels
 */
function createPainter(canvas, width) {
  canvas.width = width
  canvas.height = (width * PAPER.height) / PAPER.width
  const context = canvas.getContext('2d')
  const scale = width / PAPER.width
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.lineCap = 'round'
  context.lineJoin = 'round'

  /**
   * @param {import('./sketch').Stroke} stroke
   * @param {number} [from]
   */
  function paint({ color, width, points }, from) {
    context.strokeStyle = color
    context.lineWidth = width
    context.beginPath()
    trace(points, context, from)
    context.stroke()
  }

  return {
    /** The end of a stroke that grows: the rest of it is there. @param {import('./sketch').Stroke} stroke */
    paintEnd(stroke) {
      paint(stroke, Math.max(0, stroke.points.length / 2 - 2))
    },

    /** Everything anew. @param {import('./sketch').Stroke[]} strokes */
    paintAll(strokes) {
      context.clearRect(0, 0, PAPER.width, PAPER.height)
      for (const stroke of strokes) paint(stroke)
    },
  }
}

module.exports = { createPainter }
