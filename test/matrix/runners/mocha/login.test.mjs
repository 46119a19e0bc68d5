import assert from 'node:assert/strict'
import { logIn } from '../login.mjs'

describe('a session', () => {
  it('begins with a login', async () => {
    const { login, openId, expected } = await logIn()
    assert.equal(login, 'accepted')
    assert.equal(openId, expected)
  })
})
