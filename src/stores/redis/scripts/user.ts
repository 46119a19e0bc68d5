/** The scripts that work on a user key: the list of the user's sessions. scripts.ts says what stands there. */
import { YOUTH } from '../../store.js'
import { NOW, type Script, script } from './script.js'

/** µs that a session stays on the list after its end: its own key is written a little later, and expires later. */
const GRACE = 60_000_000

/**
 * Puts a new session on its user's list. `ttl`: ms until the session ends. `claimTtl`: ms that a claim stands.
 * `replacedId`: the taken session whose place the new one takes, or ''. `maxYoung`: how many sessions there may be while
 * those beyond `max` end less than YOUTH before the new one.
 *
 * Returns nothing when the taken session is over, or was revoked. Otherwise it returns
 * [when the user was revoked (µs) or '', how long ago that was (µs), ids that have to end…]. The ids are those that a
 * revocation did not end because its process died, and then those that make room, the first to end first.
 */
export const ENROLL: Script = script(
  ['sessionId', 'ttl', 'max', 'claimTtl', 'replacedId', 'maxYoung'],
  `${NOW}
local revoked = tonumber(redis.call('HGET', KEYS[1], 'revoked') or -1)
if revoked > now then
  -- The clock was set back. The revocation is not in the future.
  revoked = now
  redis.call('HSET', KEYS[1], 'revoked', print(now))
end

local ends = now + ttl * 1000
if replacedId ~= '' then
  local before = redis.call('HGET', KEYS[1], replacedId)
  if not before or before == '0' then return false end
  -- The session keeps its end under its new id, however long this command took to arrive.
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
redis.call('PEXPIRE', KEYS[1], print(math.max((last + ${GRACE} - now) / 1000, claimTtl)))

local count = #live + 1
for i = 1, #live do
  if count <= tonumber(max) then break end
  if live[i].expires <= ends - ${YOUTH * 1000} or count > tonumber(maxYoung) then
    table.insert(answer, live[i].id)
    count = count - 1
  end
end
return answer
`,
)

/**
 * Undoes ENROLL of a successor, if it was done and is not undone yet: the successor leaves the list, and the taken
 * session counts again.
 */
export const UNDO_ENROLL: Script = script(
  ['takenId', 'successor'],
  `
if redis.call('HDEL', KEYS[1], successor) == 0 then return end
local ends = string.match(redis.call('HGET', KEYS[1], takenId) or '', '^%-(.*)')
if ends then redis.call('HSET', KEYS[1], takenId, ends) end
`,
)

/**
 * Lets a session on the list end `ttl` ms from now, if that is later than its end. Returns 0 when it is not on the
 * list, or was revoked.
 */
export const RENEW_ENROLMENT: Script = script(
  ['sessionId', 'ttl'],
  `${NOW}
local field = tonumber(redis.call('HGET', KEYS[1], sessionId) or 0)
if field == 0 then return 0 end
local ends = math.max(math.abs(field), now + ttl * 1000)
redis.call('HSET', KEYS[1], sessionId, print(field < 0 and -ends or ends))
redis.call('PEXPIRE', KEYS[1], print(math.max(redis.call('PTTL', KEYS[1]), (ends + ${GRACE} - now) / 1000)))
return 1
`,
)

/**
 * Marks the user as revoked now, and all sessions on the list as sessions that have to end. `claimTtl`: ms that a claim
 * stands. Returns [now (µs), ids of the sessions…].
 */
export const REVOKE: Script = script(
  ['claimTtl'],
  `${NOW}
redis.call('HDEL', KEYS[1], 'revoked')
redis.call('HSET', KEYS[1], 'revoked', print(now))
redis.call('PEXPIRE', KEYS[1], print(math.max(redis.call('PTTL', KEYS[1]), claimTtl)))
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
