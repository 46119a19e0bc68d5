import { createCipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'ava'
import { decryptUserData, isAnonymous, isCiphertext, isSigned, pickProfile } from '../src/wechat/user-info.js'

// Published by WeChat, except where the file says otherwise.
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'))

test("isSigned(): WeChat's published signature verifies", (t) => {
  const { rawData, signature, session_key: sessionKey } = vectors.signature_sha1

  t.true(isSigned(rawData, signature, sessionKey))
  t.false(isSigned(rawData, signature, `${sessionKey.slice(0, -3)}A==`))
  t.false(isSigned(`${rawData} `, signature, sessionKey))
})

test('isSigned(): a signature is made over UTF-8', (t) => {
  const { rawData, sha1_utf8: signature, sha1_latin1_wrong: wrong } = vectors.own_utf8_signature
  const { session_key: sessionKey } = vectors.signature_sha1

  t.true(isSigned(rawData, signature, sessionKey))
  t.false(isSigned(rawData, wrong, sessionKey))
  t.is(decodeURIComponent(vectors.own_utf8_signature.rawData_encodeURIComponent), rawData)
})

test('isSigned(): a signature is made over the text as it was received, not over the same data printed anew', (t) => {
  const { rawData, signature, session_key: sessionKey } = vectors.signature_sha1
  const spaced = rawData.replace('":', '": ')

  t.deepEqual(JSON.parse(spaced), JSON.parse(rawData))
  t.false(isSigned(spaced, signature, sessionKey))
})

test("decryptUserData(): WeChat's published encrypted data opens", (t) => {
  const { encryptedData, iv, session_key: sessionKey, appId, decrypted } = vectors.aes_128_cbc_userinfo
  const now = decrypted.watermark.timestamp * 1000

  const value = decryptUserData({ encryptedData, iv }, sessionKey, { appId, openId: decrypted.openId, now })

  t.deepEqual(value, decrypted)
})

test('decryptUserData(): encrypted data opens within ten minutes of its watermark, on either side', (t) => {
  const { encryptedData, iv, session_key: sessionKey, appId, decrypted } = vectors.aes_128_cbc_userinfo
  const open = (seconds: number) => () =>
    decryptUserData({ encryptedData, iv }, sessionKey, {
      appId,
      openId: decrypted.openId,
      now: (decrypted.watermark.timestamp + seconds) * 1000,
    })

  for (const seconds of [-600, -1, 0, 600]) t.notThrows(open(seconds), `${seconds} s`)
  for (const seconds of [-601, 601, 7200, Number.NaN]) t.throws(open(seconds), undefined, `${seconds} s`)
})

test('decryptUserData(): every way in which encrypted data can be wrong is the same error', (t) => {
  const { encryptedData, iv, session_key: sessionKey, appId, decrypted } = vectors.aes_128_cbc_userinfo
  const now = decrypted.watermark.timestamp * 1000
  const who = { appId, openId: decrypted.openId, now }
  const watermark = `"watermark":{"appid":"${appId}","timestamp":${decrypted.watermark.timestamp}}`
  const key = Buffer.from(sessionKey, 'base64')
  const encrypt = (text: string) => {
    const fresh = randomBytes(16)
    const cipher = createCipheriv('aes-128-cbc', key, fresh)
    return {
      encryptedData: cipher.update(text, 'utf8', 'base64') + cipher.final('base64'),
      iv: fresh.toString('base64'),
    }
  }
  const flipped = `${encryptedData.slice(0, 40)}${encryptedData[40] === 'A' ? 'B' : 'A'}${encryptedData.slice(41)}`
  const attempts: [unknown, string, typeof who][] = [
    [{ encryptedData, iv }, 'HyVFkGl5F5OQWJZZaNzBBg==', who],
    [{ encryptedData, iv }, 'not a key', who],
    [{ encryptedData, iv: 'AAAA' }, sessionKey, who],
    [{ encryptedData: flipped, iv }, sessionKey, who],
    [{ encryptedData: encryptedData.slice(0, -24), iv }, sessionKey, who],
    [{ encryptedData, iv }, sessionKey, { ...who, appId: 'wx-other' }],
    [{ encryptedData, iv }, sessionKey, { ...who, openId: 'o-other' }],
    [encrypt('not JSON'), sessionKey, who],
    [encrypt('null'), sessionKey, who],
    [encrypt('{"watermark":null}'), sessionKey, who],
    [encrypt('{"watermark":[]}'), sessionKey, who],
    [encrypt(`{"openId":"${who.openId}"}`), sessionKey, who],
    [encrypt(`{"openId":["${who.openId}"],${watermark}}`), sessionKey, who],
    [encrypt(`{"openId":"","a":1,${watermark}}`), sessionKey, who],
    [encrypt(`[{${watermark}}]`), sessionKey, who],
    [encrypt(`{"watermark":{"appid":"${appId}"}}`), sessionKey, who],
    [encrypt(`{"watermark":{"appid":"${appId}","timestamp":"now"}}`), sessionKey, who],
    [encrypt(`{"watermark":{"appid":"${appId}","timestamp":null}}`), sessionKey, who],
    [{ encryptedData, iv }, sessionKey, { ...who, now: now + 601_000 }],
    [{ encryptedData, iv }, sessionKey, { ...who, now: now - 601_000 }],
  ]
  // Each of them is one change away from what opens.
  t.notThrows(() => decryptUserData({ encryptedData, iv }, sessionKey, who))
  t.notThrows(() => decryptUserData(encrypt(`{"openId":"${who.openId}",${watermark}}`), sessionKey, who))
  t.notThrows(() => decryptUserData(encrypt(`{${watermark}}`), sessionKey, who))

  const messages = attempts.map(([data, secret, owner]) => {
    const error = t.throws(() =>
      decryptUserData(data as { encryptedData: string; iv: string }, secret, owner),
    )
    return JSON.stringify({ ...error, message: error?.message, cause: error?.cause })
  })

  t.is(new Set(messages).size, 1)
})

test('isCiphertext(): a ciphertext is base64 of whole blocks, its iv of one block', (t) => {
  const { encryptedData, iv } = vectors.aes_128_cbc_userinfo

  t.true(isCiphertext({ encryptedData, iv }))
  for (const wrong of ['', 'AAAA', 'A'.repeat(23), 'A A=', `${encryptedData}AAAA`, '微信']) {
    t.false(isCiphertext({ encryptedData: wrong, iv }), wrong)
  }
  for (const wrong of ['', 'AAAA', 'A'.repeat(44), '微信'])
    t.false(isCiphertext({ encryptedData, iv: wrong }), wrong)
})

test('pickProfile(): a profile is the fields of a profile, of the right types', (t) => {
  const profile = {
    nickName: 'Band',
    avatarUrl: 'a',
    gender: 1,
    language: 'zh_CN',
    city: '',
    province: 'p',
    country: 'CN',
  }

  t.deepEqual(pickProfile({ ...profile, openId: 'o', isAdmin: true }), profile)
  t.deepEqual(pickProfile({ nickName: 1, gender: '1', city: null, country: {}, language: [] }), {})
})

test('isAnonymous(): a user without a name, or called 微信用户, is anonymous', (t) => {
  for (const profile of [undefined, {}, { nickName: '' }, { nickName: '微信用户', gender: 0 }])
    t.true(isAnonymous(profile))
  t.false(isAnonymous({ nickName: 'Band' }))
})
