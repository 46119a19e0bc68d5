import { NOW, type Script, script } from './script.js'

/** ARGV: the claim's value, its life (ms). What stands there already, or [now (µs)] when the claim is made. */
export const CLAIM: Script = script(
  ['claim', 'life'],
  `${NOW}
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], claim, 'PX', life)
return { print(now) }
`,
)

/** ARGV: what must stand there ('' for nothing), what takes its place, its life (ms). 1 when it did. */
export const REPLACE: Script = script(
  ['expected', 'value', 'life'],
  `
if (redis.call('GET', KEYS[1]) or '') ~= expected then return 0 end
redis.call('SET', KEYS[1], value, 'PX', life)
return 1
`,
)

/** ARGV: the claim that must stand there, the word that takes its place, its life (ms). 1 when it did. */
export const SETTLE: Script = script(
  ['claim', 'word', 'life'],
  `
if redis.call('GET', KEYS[1]) ~= claim then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], word, 'PX', life)
return 1
`,
)

/** ARGV: what must stand there, its life from now (ms). 1 when it does. */
export const KEEP: Script = script(
  ['expected', 'life'],
  `
if redis.call('GET', KEYS[1]) ~= expected then return 0 end
return redis.call('PEXPIRE', KEYS[1], life)
`,
)

/** ARGV: the revision that was changed, the new JSON. */
export const UPDATE: Script = script(
  ['expectedRev', 'json'],
  `
local value = redis.call('GET', KEYS[1]) or ''
local rev, expires = string.match(value, '^(%d+) (%d+)\\n')
if not rev then return 'ended' end
if rev ~= expectedRev then return 'conflict' end
local head = string.format('%.0f %s\\n', rev + 1, expires)
redis.call('SET', KEYS[1], head .. json, 'KEEPTTL')
return 'saved'
`,
)

/** ARGV: when it expires, its life from now, and now (ms, our clock). Never shorter, no revision, not after its end. */
export const RENEW: Script = script(
  ['renewed', 'life', 'now'],
  `
local value = redis.call('GET', KEYS[1]) or ''
local rev, expires = string.match(value, '^(%d+) (%d+)\\n')
if not rev or tonumber(expires) >= tonumber(renewed) or tonumber(expires) <= tonumber(now) then return 0 end
local json = string.sub(value, string.find(value, '\\n', 1, true) + 1)
redis.call('SET', KEYS[1], rev .. ' ' .. renewed .. '\\n' .. json, 'PX', life)
return 1
`,
)

/**
 * ARGV: life of the word `ended` (ms), id that is left as what became of a session, or ''.
 * [1 when something stood there, the id of what became of it or ''].
 */
export const END: Script = script(
  ['memory', 'becomes'],
  `
local value = redis.call('GET', KEYS[1])
local successor = string.match(value or '', '^taken %S+ (%S+)') or string.match(value or '', '^ended (%S+)')
if not successor then successor = string.match(value or '', '^%d+ ') and becomes or '' end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], successor == '' and 'ended' or 'ended ' .. successor, 'PX', memory)
return { value and 1 or 0, successor }
`,
)

/** For scripts whose first argument is `token`. Reads a `taken` value: its token, successor and session. */
const TAKEN = `
local value = redis.call('GET', KEYS[1]) or ''
local takenBy, becomes, session = string.match(value, '^taken (%S+) (%S+)\\n(.*)$')
local isMine = takenBy == token
`

/** ARGV: token, id of the successor, life of the word (ms). The session; nothing when it is not there to be taken. */
export const TAKE: Script = script(
  ['token', 'successor', 'memory'],
  `${TAKEN}
if takenBy then return isMine and session end
if not string.match(value, '^%d+ %d+\\n') then return false end
redis.call('SET', KEYS[1], 'taken ' .. token .. ' ' .. successor .. '\\n' .. value, 'PX', memory)
return value
`,
)

/** ARGV: token, life of the word `ended` (ms). The taken session has become its successor. 0 when another one is here. */
export const CONFIRM: Script = script(
  ['token', 'memory'],
  `${TAKEN}
if not isMine then return (takenBy or string.match(value, '^%d+ %d+\\n')) and 0 or 1 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], 'ended ' .. becomes, 'PX', memory)
return 1
`,
)

/**
 * ARGV: id of the session that was taken or '', life of the word (ms), 1 to end also what was created here. Nothing can
 * be created here any more, and who ends this ends that one. Else what stands here: `session`, or `ended` when somebody
 * ended it.
 */
export const ABANDON: Script = script(
  ['takenId', 'memory', 'mayEnd'],
  `
local value = redis.call('GET', KEYS[1]) or ''
if mayEnd == '0' and string.match(value, '^%d+ %d+\\n') then return 'session' end
local word = takenId == '' and 'ended' or 'ended ' .. takenId
if value ~= word then
  -- It has become another since: then it was there.
  if string.match(value, '^taken ') or string.match(value, '^ended %S') then return 'session' end
  if value == 'ended' then return 'ended' end
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], word, 'PX', memory)
end
return 'abandoned'
`,
)

/**
 * ARGV: token, now (ms, our clock), life of the word `ended` (ms). What stands there: `session`, `taken` when others have
 * it, or `over`.
 */
export const PUT_BACK: Script = script(
  ['token', 'now', 'memory'],
  `${TAKEN}
if not isMine then return takenBy and 'taken' or string.match(value, '^%d+ %d+\\n') and 'session' or 'over' end
local life = string.match(session, '^%d+ (%d+)') - now
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], session, 'PX', string.format('%.0f', math.max(life, memory)))
return 'session'
`,
)
