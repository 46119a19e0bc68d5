import { isGood, type Operation } from '../history.js'
import { type Scene, SLACK } from '../rules.js'
import { guestBefore, isFarewell, type Session, writesOf } from '../sessions.js'

/** A login has what its guest had written, unless the guest may have been over, or somebody else, by then. */
export function checkFarewells(guest: Session, { sessions, settings, violate }: Scene): void {
  const { user, farewells, operations, credentials, begun } = guest
  for (const login of farewells.filter(isFarewell)) {
    const credential = credentials.find(({ name }) => name === login.guest)
    const write = writesOf(guest).find((write) => isGood(write) && write.to < login.from)
    const isOld = login.to > begun + settings.ttl - SLACK
    const others = [
      ...operations.filter(({ what }) => what === 'rotate' || what === 'logout'),
      ...farewells.filter(({ session }) => session !== login.session),
    ]
    const isCertain = credential && credential.known < login.from && !isOld && !others.some(isBefore(login))
    const heir = sessions.find(({ name }) => name === login.session)
    if (write && isCertain && heir && guestBefore(heir, sessions) !== guest) {
      violate(user, 'the data of a guest is lost', write, login)
    }
  }
}

function isBefore({ to }: Operation): (other: Operation) => boolean {
  return ({ from }) => from < to
}
