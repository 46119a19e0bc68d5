import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logIn } from '../login.mjs'

test('a login', async () => {
  const { login, openId, expected } = await logIn()
  assert.equal(login, 'accepted')
  assert.equal(openId, expected)
})
