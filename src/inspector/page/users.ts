import type { SessionView, UserView } from '../protocol.js'
import { definitions } from './detail.js'
import { button, el, refill } from './dom.js'
import { LABELS, say } from './words.js'

export interface UserActions {
  revoke(openId: string): void
  end(openId: string, session: string): void
}

/** The users who have come by, and their sessions. */
export function showUsers(place: HTMLElement, users: UserView[], actions: UserActions): void {
  const nobody = [el('p', '', say(LABELS.noUsers)), el('p', 'quiet', say(LABELS.noUsersHint))]
  refill(place, ...(users.length === 0 ? nobody : users.map((user) => userView(user, actions))))
}

function userView({ openId, nickName, seen, sessions }: UserView, actions: UserActions): HTMLElement {
  const revoke = button(`revoke-${openId}`, say(LABELS.revoke), () => actions.revoke(openId))
  revoke.ariaLabel = `${say(LABELS.revoke)}: ${nickName || openId}`
  const when = `${say(LABELS.seen)} ${new Date(seen).toLocaleString()}`
  return el(
    'section',
    'card',
    el('div', 'card-head', el('h3', '', nickName || openId), revoke),
    el('p', 'quiet', el('code', '', openId), ` · ${when}`),
    ...(sessions === undefined
      ? [el('p', 'verdict is-bad', say(LABELS.unknownSessions))]
      : sessions.length === 0
        ? [el('p', 'quiet', say(LABELS.noSessions))]
        : sessions.map((session) => sessionView(openId, session, actions))),
  )
}

function sessionView(openId: string, session: SessionView, actions: UserActions): HTMLElement {
  const { alias, appId, carrier, created, expires, rev, data, key } = session
  const end = button(`end-${alias}`, say(LABELS.end), () => actions.end(openId, alias))
  end.ariaLabel = `${say(LABELS.end)}: ${alias}`
  return el(
    'div',
    'session',
    el('div', 'card-head', el('code', '', alias), end),
    definitions([
      [say(LABELS.created), new Date(created).toLocaleString()],
      [say(LABELS.expires), new Date(expires).toLocaleString()],
      ['appId', appId],
      ...(carrier ? [[say(LABELS.carrier), `${carrier}Carrier()`] as [string, string]] : []),
      ['rev', `${rev}`],
      [say(LABELS.key), key ? `${key}…` : '—'],
      [say(LABELS.data), data],
    ]),
  )
}
