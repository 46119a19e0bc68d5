/**
 * The atomic steps of the Redis store. Each touches one key, so that the same scripts are right on a cluster.
 *
 * Under a session key (by the hash of the code or id) stands one value, told apart by its first word:
 *
 *   session REV EXPIRES \n JSON    a session; the head is what the scripts read, the JSON only we do
 *   claim TOKEN UNTIL              a login is under way
 *   refused JSON                   WeChat refused the code
 *   ended                          a session was here
 *
 * Under a user key stands a hash: a field for each session (`ORDER EXPIRES`) and `revoked`, the time of the last
 * revocation. It is a superset of the user's live sessions at every instant: a session is enrolled before it is
 * created, and leaves only after its key says `ended`. Times that order events are Redis's own clock, in µs.
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
`

/** ARGV: token, lease in ms, life of the claim in ms. What stands there already, or [value, now]. */
export const CLAIM: string = `${NOW}
local value = redis.call('GET', KEYS[1])
if value then return value end
value = string.format('claim %s %.0f', ARGV[1], now / 1000 + ARGV[2])
redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
return { value, string.format('%.0f', now) }
`

/** ARGV: what must stand there ('' for nothing), what takes its place, its life in ms. 1 when it did. */
export const REPLACE: string = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

/**
 * ARGV: session id, when its login began (µs), when it expires (ms), sessions at most, life of a claim (ms).
 * Nothing when the user was revoked after the login began; else the ids that have to end to make room.
 */
export const ENROLL: string = `${NOW}
local revoked = redis.call('HGET', KEYS[1], 'revoked')
if revoked and tonumber(revoked) >= tonumber(ARGV[2]) then return false end

local sessions = {}
local last = tonumber(ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local order, expires = string.match(fields[i + 1], '^(%d+) (%d+)$')
  if order and fields[i] ~= ARGV[1] then
    if tonumber(expires) * 1000 < now then
      redis.call('HDEL', KEYS[1], fields[i])
    else
      table.insert(sessions, { id = fields[i], order = tonumber(order) })
      last = math.max(last, tonumber(expires))
    end
  end
end
table.sort(sessions, function(a, b) return a.order < b.order end)

redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now, ARGV[3]))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(last - now / 1000, revoked and ARGV[5] or 1)))

local room = {}
for i = 1, #sessions + 1 - ARGV[4] do table.insert(room, sessions[i].id) end
return room
`

/** ARGV: life of a claim (ms). Marks the user as revoked now; the ids of the sessions that have to end. */
export const REVOKE: string = `${NOW}
redis.call('HSET', KEYS[1], 'revoked', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), ARGV[1]))
local ids = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= 'revoked' then table.insert(ids, field) end
end
return ids
`

/** ARGV: session id, when it expires (ms). */
export const RENEW_ENROLMENT: string = `${NOW}
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.match(value, '^%d+') .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), math.ceil(ARGV[2] - now / 1000)))
return 1
`

/** ARGV: when it expires (ms). Never makes a session shorter, and is no revision of it. */
export const RENEW: string = `${NOW}
local value = redis.call('GET', KEYS[1])
local rev, expires = string.match(value or '', '^session (%d+) (%d+)\\n')
if not rev or tonumber(expires) >= tonumber(ARGV[1]) then return 0 end
local json = string.sub(value, string.find(value, '\\n', 1, true) + 1)
redis.call('SET', KEYS[1], 'session ' .. rev .. ' ' .. ARGV[1] .. '\\n' .. json,
  'PX', math.ceil(math.max(1, ARGV[1] - now / 1000)))
return 1
`

/** ARGV: the revision that was changed, the new JSON. */
export const UPDATE: string = `
local value = redis.call('GET', KEYS[1])
local rev, expires = string.match(value or '', '^session (%d+) (%d+)\\n')
if not rev then return 'ended' end
if rev ~= ARGV[1] then return 'conflict' end
local head = string.format('session %.0f %s\\n', rev + 1, expires)
redis.call('SET', KEYS[1], head .. ARGV[2], 'KEEPTTL')
return 'saved'
`
