/** `drawing-writer.ts folder name`: saves drawings of alice until it is killed, and says the id of each when it is. */
import type { DrawingStore } from '../../examples/one-stroke/server/drawings.js'

// Not by an import declaration: the declarations of lmdb do not pass our own checks.
const module = '../../examples/one-stroke/server/drawings-embedded.ts'
const { embeddedDrawings }: { embeddedDrawings(options: { folder: string }): DrawingStore } = await import(
  module
)

const [folder = '', name = ''] = process.argv.slice(2)
const store = embeddedDrawings({ folder })
for (let n = 0; ; n++) {
  // Over and over the same sixty, which anybody may list.
  const id = `${name}-${n % 60}`
  await store.save('alice', { id, actions: `["${id}","${'x'.repeat(20_000)}"]` })
  console.log(id)
}
