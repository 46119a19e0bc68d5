// One SDK through what a backend does around a login: node --require ./to-simulator.cjs login.mjs <name>. Prints what came of it.
const { name, app, codes } = JSON.parse(process.argv[2])
const { create } = await import(`./logins/${name}.mjs`)
const sdk = create(app)

const results = {}
for (const [call, value] of [
  ['login', codes.login],
  ['used', codes.used],
  ['token'],
  ['phone', codes.phone],
  ['wrongPhone', codes.wrongPhone],
]) {
  if (sdk[call] === undefined && !(call === 'used' || call === 'wrongPhone')) continue
  const method = call === 'used' ? sdk.login : call === 'wrongPhone' ? sdk.phone : sdk[call]
  if (method === undefined) continue
  results[call] = await method(value).catch((error) => ({ error: describe(error) }))
}
console.log(JSON.stringify(results))
process.exit(0)

/** What a developer is shown. */
function describe(error) {
  return String(error?.message ?? JSON.stringify(error))
}
