import { readPage } from '../docs/support/markdown.js'
import { withClient } from './redis.js'

/** docs/stores.md, "What Redis must allow": the commands of each feature, as an ACL names them. */
export const RIGHTS: Map<string, string[]> = new Map(
  [...readPage('docs/stores.md').text.matchAll(/^\| ([^|]+) \| `([A-Z\\| ]+)` \| .+ \|$/gm)].map(
    ([, feature = '', commands = '']) => [feature, commands.replaceAll('\\', '').toLowerCase().split(' ')],
  ),
)

/** Makes a user, with the password `pass`, who may run these commands on the keys of the default prefix, and no others. */
export async function setUser(url: string, name: string, commands: string[]): Promise<void> {
  const rights = commands.map((command) => `+${command}`)
  // A sentinel has no keys, and does not know ACL's rule for channels by default.
  const where = ['~wxs:*', '&*']
  await withClient(url, (client) =>
    client.sendCommand(['ACL', 'SETUSER', name, 'on', '>pass', ...where, ...rights]),
  )
}
