const FACES = [
  ['#ffd8a8', '🐼'],
  ['#b2f2bb', '🐸'],
  ['#a5d8ff', '🐳'],
  ['#eebefa', '🦄'],
]
let picked = -1

/** What a user picks when the app asks for an avatar (open-type="chooseAvatar"): each time another one. */
export function pickAvatar(): string {
  picked = (picked + 1) % FACES.length
  const [color, face] = FACES[picked] ?? []
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" fill="${color}"/>` +
    `<text x="50" y="68" font-size="52" text-anchor="middle">${face}</text></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
