const assert = require('node:assert/strict')
const { logIn } = require('../login.cjs')

describe('a session', () => {
  it('begins with a login', async () => {
    const { login, openId, expected } = await logIn()
    assert.equal(login, 'accepted')
    assert.equal(openId, expected)
  })
})
