/**
 * The scripts that work on a session key. scripts.ts lists the values that stand there.
 *
 * In all of them `ttl` is in ms, and is how long the value that is written stays.
 */
import { NOW, type Script, script } from './script.js'

/** Claims a code. Returns the value that stands there already, or [now (µs)] when the claim is granted. */
export const CLAIM: Script = script(
  ['claim', 'ttl'],
  `${NOW}
local value = redis.call('GET', KEYS[1])
if value then return value end
redis.call('SET', KEYS[1], claim, 'PX', ttl)
return { print(now) }
`,
)

/** Writes a value if `expected` stands there; '' stands for nothing. Returns 1 when it did. */
export const REPLACE: Script = script(
  ['expected', 'value', 'ttl'],
  `
if (redis.call('GET', KEYS[1]) or '') ~= expected then return 0 end
redis.call('SET', KEYS[1], value, 'PX', ttl)
return 1
`,
)

/** Writes the outcome of a login in the place of its claim, if that still stands there. Returns 1 when it did. */
export const RESOLVE_CLAIM: Script = script(
  ['claim', 'outcome', 'ttl'],
  `
if redis.call('GET', KEYS[1]) ~= claim then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], outcome, 'PX', ttl)
return 1
`,
)

/** Lets a claim stand for `ttl` from now, if it still stands there. Returns 1 when it does. */
export const EXTEND_CLAIM: Script = script(
  ['claim', 'ttl'],
  `
if redis.call('GET', KEYS[1]) ~= claim then return 0 end
return redis.call('PEXPIRE', KEYS[1], ttl)
`,
)

/** Writes the new JSON of a session if the stored revision is `expectedRev`. Returns `saved`, `ended`, or what is stored. */
export const UPDATE: Script = script(
  ['expectedRev', 'json'],
  `
local value = redis.call('GET', KEYS[1]) or ''
local rev, expires = string.match(value, '^(%d+) (%d+)\\n')
if not rev then return 'ended' end
if rev ~= expectedRev then return value end
local head = string.format('%.0f %s\\n', rev + 1, expires)
redis.call('SET', KEYS[1], head .. json, 'KEEPTTL')
return 'saved'
`,
)

/**
 * Lets a live session end at `renewed`, if that is later than its end. The revision stays. `renewed` and `now` are in
 * ms, by our clock.
 */
export const RENEW: Script = script(
  ['renewed', 'ttl', 'now'],
  `
local value = redis.call('GET', KEYS[1]) or ''
local rev, expires = string.match(value, '^(%d+) (%d+)\\n')
if not rev or tonumber(expires) >= tonumber(renewed) or tonumber(expires) <= tonumber(now) then return 0 end
local json = string.sub(value, string.find(value, '\\n', 1, true) + 1)
redis.call('SET', KEYS[1], rev .. ' ' .. renewed .. '\\n' .. json, 'PX', ttl)
return 1
`,
)

/**
 * Ends whatever stands there. Returns [1 when something stood there, the id that has to end too or ''].
 *
 * `linkedId`: the id that has to end together with the session that stands there, or ''. A value that names such an id
 * already keeps it.
 */
export const END: Script = script(
  ['ttl', 'linkedId'],
  `
local value = redis.call('GET', KEYS[1])
local next = string.match(value or '', '^taken %S+ (%S+)') or string.match(value or '', '^ended (%S+)')
if not next then next = string.match(value or '', '^%d+ ') and linkedId or '' end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], next == '' and 'ended' or 'ended ' .. next, 'PX', ttl)
return { value and 1 or 0, next }
`,
)

/** For scripts with an argument `token`. Reads the parts of a `taken` value, and whether the token is its token. */
const TAKEN = `
local value = redis.call('GET', KEYS[1]) or ''
local owner, becomes, session = string.match(value, '^taken (%S+) (%S+)\\n(.*)$')
local isMine = owner == token
`

/**
 * Takes a session, so that another can be made of it. Returns the session, also when this token has taken it already;
 * nothing when there is no session, or another token has taken it.
 */
export const TAKE: Script = script(
  ['token', 'successor', 'ttl'],
  `${TAKEN}
if owner then return isMine and session end
if not string.match(value, '^%d+ %d+\\n') then return false end
redis.call('SET', KEYS[1], 'taken ' .. token .. ' ' .. successor .. '\\n' .. value, 'PX', ttl)
return value
`,
)

/**
 * Ends a taken session whose successor was created. Returns 1 when the session has ended, now or before; 0 when it is
 * there, or another token has taken it.
 */
export const CONFIRM: Script = script(
  ['token', 'ttl'],
  `${TAKEN}
if not isMine then return (owner or string.match(value, '^%d+ %d+\\n')) and 0 or 1 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], 'ended ' .. becomes, 'PX', ttl)
return 1
`,
)

/**
 * Works on the key of a successor, before the session that was taken for it is put back. Afterwards nothing can be
 * created there, and whoever ends the successor ends `takenId` too ('' for none). Returns `abandoned`.
 *
 * Changes nothing, and returns `session`, when the successor was created, and `ended`, when somebody has ended it.
 * `mayEnd` is '1' for whoever created the successor and has told nobody: then it ends even if it is there.
 */
export const ABANDON: Script = script(
  ['takenId', 'ttl', 'mayEnd'],
  `
local value = redis.call('GET', KEYS[1]) or ''
if mayEnd == '0' and string.match(value, '^%d+ %d+\\n') then return 'session' end
local abandoned = takenId == '' and 'ended' or 'ended ' .. takenId
if value ~= abandoned then
  -- The successor has a successor of its own, so it was created.
  if string.match(value, '^taken ') or string.match(value, '^ended %S') then return 'session' end
  if value == 'ended' then return 'ended' end
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], abandoned, 'PX', ttl)
end
return 'abandoned'
`,
)

/**
 * Puts a taken session back as it was. `now` is in ms, by our clock. Returns what stands there afterwards: `session`,
 * `taken` by another token, or `over`.
 */
export const PUT_BACK: Script = script(
  ['token', 'now', 'ttl'],
  `${TAKEN}
if not isMine then return owner and 'taken' or string.match(value, '^%d+ %d+\\n') and 'session' or 'over' end
local life = string.match(session, '^%d+ (%d+)') - now
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], session, 'PX', string.format('%.0f', math.max(life, ttl)))
return 'session'
`,
)

/**
 * Ends a taken session that must not be put back, or one that is back and was revoked. Returns 1 when it has ended, now
 * or before; 0 when another token has taken it, which changes nothing. What it has become by then is another's.
 */
export const END_TAKEN: Script = script(
  ['token', 'ttl'],
  `${TAKEN}
if owner and not isMine then return 0 end
if value ~= '' and not string.match(value, '^ended') then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], isMine and 'ended ' .. becomes or 'ended', 'PX', ttl)
end
return 1
`,
)
