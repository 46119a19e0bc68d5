/** The control API, as this page uses it. */
import { say } from './dom.js'

/**
 * @typedef {{ name: string, openId: string, unionId: string | null, nickName: string, phoneNumber: string, sessionKey: string | null }} User
 * @typedef {{ accessToken: string, kind: string, expiresAt: number }} Token
 * @typedef {{ id: number, fault: string | Record<string, unknown>, path: string | null, times: number | 'always' }} Fault
 * @typedef {{
 *   id: number, at: number, method: string, path: string, query: Record<string, string>, body: string,
 *   status: number | null, errcode: number | null, answer: string, outcome: string, ms: number
 * }} Call
 */

/**
 * Asks for something.
 *
 * @param {string} path below /simulator
 */
export async function get(path) {
  return read(await fetch(`/simulator${path}`))
}

/**
 * Does something. A refusal is said on the page, and `undefined`.
 *
 * @param {'POST' | 'DELETE'} method
 * @param {string} path below /simulator
 * @param {object} [body]
 */
export async function act(method, path, body) {
  const sent = body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  try {
    return await read(await fetch(`/simulator${path}`, { method, ...sent }))
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    return undefined
  }
}

/** @param {Response} response */
async function read(response) {
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error.message)
  return answer
}

/** @param {string} name */
export function pathOf(name) {
  return `/users/${encodeURIComponent(name)}`
}
