/**
 * The atomic steps of the Redis store. Each works on one key, so that the same scripts run on a cluster.
 *
 * A session key, by the hash of a code or a credential, has one string as its value. How it begins says what it is:
 *
 *     REV EXPIRES \n JSON    a session. Scripts read the first line, and never the JSON
 *     claim TOKEN            a login is under way
 *     refused JSON           WeChat refused the code
 *     used                   the code was exchanged. Its session has an id of its own
 *     taken TOKEN ID \n …    the session (…) is being made into another, which will stand under ID
 *     ended                  a session was here
 *     ended ID               a session was here, and whoever ends it ends ID too: its successor, or the taken session
 *                            that was put back when this successor was abandoned
 *
 * A user key has a hash, the list of the user's sessions. `revoked` is the time of the last revocation. Each other
 * field is the id of a session, and its value a number, which Redis keeps in nine bytes:
 *
 *     END    when the session ends
 *     -END   the same, of a taken session: its successor counts in its place
 *     0      the session was revoked, and has to end
 *
 * A session is put on the list before it is created. It leaves the list after its key says `ended`, or a while after
 * its end. So every live session of a user is on the list at every moment.
 *
 * Two clocks are used, and never compared. EXPIRES is in ms, by the clock of the process that writes. The times on the list are in
 * µs, by the clock of Redis, and scripts get lifetimes as durations.
 *
 * Sessions can be ended in a full Redis. Redis refuses a script at its first write that could need memory, and lets a
 * script go on that has written already (https://redis.io/docs/latest/develop/programmability/eval-intro/). So the
 * scripts that end something begin with a DEL or HDEL, which needs none.
 */
export {
  ABANDON,
  CLAIM,
  CONFIRM,
  END,
  END_TAKEN,
  EXTEND_CLAIM,
  PUT_BACK,
  RENEW,
  REPLACE,
  RESOLVE_CLAIM,
  TAKE,
  UPDATE,
} from './scripts/session.js'
export { ENROLL, RENEW_ENROLMENT, REVOKE, UNDO_ENROLL } from './scripts/user.js'
