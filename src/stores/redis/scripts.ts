import { createHash } from 'node:crypto'

/**
 * The atomic steps of the Redis store. Each touches one key, so that the same scripts are right on a cluster.
 *
 * Under a session key (by the hash of the code or id) stands one value, told apart by how it begins:
 *
 *   REV EXPIRES \n JSON    a session; the head is what the scripts read, the JSON only we do
 *   claim TOKEN            a login is under way
 *   refused JSON           WeChat refused the code
 *   used                   the code has its session, under an id of its own
 *   taken TOKEN ID \n …    the session (…) is being made into another, which will stand under ID
 *   ended                  a session was here
 *   ended ID               the same, and ID is what became of it: its successor, or the session that was put back
 *
 * Under a user key stands a hash: a field for each session, with its end (0: it was revoked, and has to end; negative:
 * it was taken, and its successor counts in its place), and `revoked`, the time of the last revocation. A session is
 * enrolled before it is created, and leaves only after its key says `ended`, or a while after its end: so the hash names
 * every live session of the user, at every instant. One number for each, because Redis keeps that in nine bytes.
 *
 * Clocks: a session's EXPIRES is for us, and is by our clock (ms). What the user's hash says is by Redis's clock
 * (µs), to which lifetimes are given as durations: no two clocks are ever compared.
 *
 * Ending has to work in a full Redis. Redis refuses the first write of a script that could need more memory, and lets
 * a script go on that has written already (https://redis.io/docs/latest/develop/programmability/eval-intro/). So those
 * scripts begin with a DEL or HDEL, which needs none.
 */
export interface Script {
  text: string
  sha1: string
}

/** @param names - of the arguments, in their order */
function script(names: string[], body: string): Script {
  const values = names.map((_, n) => `ARGV[${n + 1}]`)
  const text = names.length === 0 ? body : `local ${names.join(', ')} = ${values.join(', ')}\n${body}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function print(number) return string.format('%.0f', number) end
`

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

/**
 * ARGV: id of a session, id of what was to take its place. Undoes their enrolment, if it was done and not undone: the
 * session counts again.
 */
export const ENROLL_AGAIN: Script = script(
  ['takenId', 'successor'],
  `
if redis.call('HDEL', KEYS[1], successor) == 0 then return end
local ends = string.match(redis.call('HGET', KEYS[1], takenId) or '', '^%-(.*)')
if ends then redis.call('HSET', KEYS[1], takenId, ends) end
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

/** µs that a field outlives its session: its key is written a little later, and so lives a little longer. */
const GRACE = 60_000_000

/**
 * ARGV: session id, its life (ms), sessions at most, life of a claim (ms), id of the session whose place it takes or ''.
 * Nothing when that one is over, or has to end: it was revoked. Else
 * [when the user was revoked (µs) or '', how long ago that was (µs), ids that have to end…]: those that make room, the
 * first to end first, and those that a revocation should have ended whose process died.
 */
export const ENROLL: Script = script(
  ['sessionId', 'life', 'max', 'claimLife', 'replacedId'],
  `${NOW}
local revoked = tonumber(redis.call('HGET', KEYS[1], 'revoked') or -1)
if revoked > now then
  -- The clock was set back: what has happened has happened by now.
  revoked = now
  redis.call('HSET', KEYS[1], 'revoked', print(now))
end

local ends = now + life * 1000
if replacedId ~= '' then
  local before = redis.call('HGET', KEYS[1], replacedId)
  if not before or before == '0' then return false end
  -- The same session under another id ends when it would have, however long this was on its way.
  ends = math.abs(before)
  redis.call('HSET', KEYS[1], replacedId, print(-ends))
end

local last = ends
local live = {}
local answer = { revoked < 0 and '' or print(revoked), print(now - revoked) }
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local id, field = fields[i], tonumber(fields[i + 1]) or 0
  local expires = math.abs(field)
  if id ~= 'revoked' and id ~= sessionId then
    if expires == 0 then
      table.insert(answer, id)
    elseif expires + ${GRACE} < now then
      redis.call('HDEL', KEYS[1], id)
    elseif field > now then
      table.insert(live, { id = id, expires = expires })
    end
    last = math.max(last, expires)
  end
end
table.sort(live, function(a, b) return a.expires < b.expires end)

redis.call('HSET', KEYS[1], sessionId, print(ends))
redis.call('PEXPIRE', KEYS[1], print(math.max((last + ${GRACE} - now) / 1000, claimLife)))

for i = 1, #live + 1 - max do table.insert(answer, live[i].id) end
return answer
`,
)

/** ARGV: life of a claim (ms). Marks the user as revoked now: [now (µs), ids of the sessions that have to end…]. */
export const REVOKE: Script = script(
  ['claimLife'],
  `${NOW}
redis.call('HDEL', KEYS[1], 'revoked')
redis.call('HSET', KEYS[1], 'revoked', print(now))
redis.call('PEXPIRE', KEYS[1], print(math.max(redis.call('PTTL', KEYS[1]), claimLife)))
local answer = { print(now) }
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
  if id ~= 'revoked' then
    redis.call('HSET', KEYS[1], id, '0')
    table.insert(answer, id)
  end
end
return answer
`,
)

/** ARGV: session id, its life from now (ms). Never shorter. 0 when the session is not enrolled, or was revoked. */
export const RENEW_ENROLMENT: Script = script(
  ['sessionId', 'life'],
  `${NOW}
local field = tonumber(redis.call('HGET', KEYS[1], sessionId) or 0)
if field == 0 then return 0 end
local ends = math.max(math.abs(field), now + life * 1000)
redis.call('HSET', KEYS[1], sessionId, print(field < 0 and -ends or ends))
redis.call('PEXPIRE', KEYS[1], print(math.max(redis.call('PTTL', KEYS[1]), (ends + ${GRACE} - now) / 1000)))
return 1
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
