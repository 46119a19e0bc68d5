const { logIn } = require('../login.cjs')

test('a login', async () => {
  const { login, openId, expected } = await logIn()
  expect(login).toBe('accepted')
  expect(openId).toBe(expected)
})
