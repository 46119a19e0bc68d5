/** How fast something grows, by least squares. */
export interface Slope {
  /** Per unit of x. */
  readonly perUnit: number
  /** Standard error of that, by how far the points lie from the line. */
  readonly error: number
}

/** The line through points `[x, y]`; there must be three of them at least. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const spread = sum(points.map(([x]) => (x - meanX) ** 2))
  const perUnit = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / spread
  const residuals = points.map(([x, y]) => (y - meanY - perUnit * (x - meanX)) ** 2)
  const error = Math.sqrt(sum(residuals) / (points.length - 2) / spread)
  return { perUnit, error }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length
}
