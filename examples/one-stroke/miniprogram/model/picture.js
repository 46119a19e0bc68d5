const { PAPER, strokesOf } = require('./sketch')
const { trace } = require('./trace')

/**
 * A saved drawing as the `src` of an <image>: a page of them needs no canvas.
 * @param {string | null} actions
 */
function pictureOf(actions) {
  const paths = strokesOf(actions).map(({ color, width, points }) => {
    return `<path d="${pathOf(points)}" stroke="${color}" stroke-width="${width}"/>`
  })
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PAPER.width} ${PAPER.height}" ` +
    `fill="none" stroke-linecap="round" stroke-linejoin="round">${paths.join('')}</svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

/** @param {number[]} points */
function pathOf(points) {
  let path = ''
  const print = (/** @type {string} */ command) => {
    return (/** @type {number[]} */ ...numbers) => {
      path += command + numbers.map((number) => Math.round(number * 10) / 10).join(' ')
    }
  }
  trace(points, { moveTo: print('M'), lineTo: print('L'), quadraticCurveTo: print('Q') })
  return path
}

module.exports = { pictureOf }
