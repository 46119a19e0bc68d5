import { expect, test } from 'vitest'
import { logIn } from '../login.mjs'

test('a login', async () => {
  const { login, openId, expected } = await logIn()
  expect(login).toBe('accepted')
  expect(openId).toBe(expected)
})
