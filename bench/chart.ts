import type { Candidate } from './candidates.js'

export interface Bar {
  title: string
  kind: Candidate['kind']
  /** µs */
  cpu: number
}

const WIDTH = 860
const LABELS = 330
const ROW = 26

/** Bars as an SVG that is readable on light and on dark pages. */
export function chart(bars: Bar[]): string {
  const longest = Math.max(...bars.map(({ cpu }) => cpu))
  const scale = (WIDTH - LABELS - 70) / longest
  const rows = [...bars]
    .sort((a, b) => a.cpu - b.cpu)
    .map(({ title, kind, cpu }, n) => {
      const y = n * ROW + 40
      const width = Math.max(1, cpu * scale)
      return `  <text x="${LABELS - 10}" y="${y + 14}" text-anchor="end" class="${kind}">${escaped(title)}</text>
  <rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 7}" rx="2" class="${kind}"/>
  <text x="${(LABELS + width + 7).toFixed(1)}" y="${y + 14}">${cpu.toFixed(1)}</text>`
    })
  const height = bars.length * ROW + 56
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU per request of each server">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #57606a }
    text.ours { font-weight: 600; fill: #0a7f4f }
    rect.ours { fill: #12b76a }
    rect.limit { fill: #8b949e }
    rect.peer { fill: #d9822b }
    @media (prefers-color-scheme: dark) { text { fill: #9aa4ae } text.ours { fill: #3ddc97 } }
  </style>
  <text x="${LABELS}" y="22">µs of CPU per request with a known session: less is better. Grey: limits. Orange: others.</text>
${rows.join('\n')}
</svg>
`
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
