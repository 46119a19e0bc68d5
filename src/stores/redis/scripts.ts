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
export {
  ABANDON,
  CLAIM,
  CONFIRM,
  END,
  KEEP,
  PUT_BACK,
  RENEW,
  REPLACE,
  SETTLE,
  TAKE,
  UPDATE,
} from './scripts/session.js'
export { ENROLL, ENROLL_AGAIN, RENEW_ENROLMENT, REVOKE } from './scripts/user.js'
