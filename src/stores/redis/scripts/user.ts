import { NOW, type Script, script } from './script.js'

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
