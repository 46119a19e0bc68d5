import test from 'ava'
import { slopeOf } from './slope.js'

test('soak: the slope of points on a line is that of the line, without an error', (t) => {
  const { perUnit, error } = slopeOf([1, 2, 3, 4].map((x) => [x, 3 * x + 7]))

  t.is(perUnit, 3)
  t.is(error, 0)
})

test('soak: the error of a slope says how far the points lie from the line', (t) => {
  const { perUnit, error } = slopeOf([
    [0, 0],
    [1, 2],
    [2, 0],
    [3, 2],
  ])

  t.is(perUnit, 0.4)
  // √(residuals 3.2 / 2 degrees of freedom / spread 5)
  t.true(Math.abs(error - Math.sqrt(0.32)) < 1e-9)
})
