/** Hosts that are not WeChat's own, and a third-party platform. */
import { createHash } from 'node:crypto'
import test from 'ava'
import type { LoginResult, RequestResult } from '../../simulator/src/index.js'
import { callsOf, type Json } from './calls.js'
import { exchangeUrl, logIn, minutes, result, startServer, startWechat } from './support.js'

test('/cgi-bin/component/api_component_token: a ticket becomes a token', async (t) => {
  const wechat = startWechat(t, { component: { appId: 'wxplatform', appSecret: 'secret' } })
  const { post } = await callsOf(wechat)
  const right = {
    component_appid: 'wxplatform',
    component_appsecret: 'secret',
    component_verify_ticket: wechat.component.verifyTicket,
  }
  const ask = (wrong: object) => post('/cgi-bin/component/api_component_token', {}, { ...right, ...wrong })

  t.like(await ask({}), { expires_in: 7200 })
  t.is((await ask({ component_appid: 'wxother' })).errcode, 61011)
  t.is((await ask({ component_appsecret: 'x' })).errcode, 40125)
  t.is((await ask({ component_verify_ticket: 'x' })).errcode, 61006)
  t.is((await ask({ component_appid: undefined })).errcode, 41018)
})

test('/cgi-bin/component/api_query_auth: a code of the owner becomes tokens, once', async (t) => {
  const wechat = startWechat(t)
  const { post, get } = await callsOf(wechat)
  const { query, component_appid } = await componentOf(wechat, post)
  const ask = (authorization_code: string) => {
    return post('/cgi-bin/component/api_query_auth', query, { component_appid, authorization_code })
  }
  const code = wechat.component.authorize()

  const { authorization_info } = await ask(code)

  const info = authorization_info as Record<string, string>
  t.is(info.authorizer_appid, wechat.appId)
  t.is((await ask(code)).errcode, 61010)
  // Where an access_token is good, this one is.
  const ips = await get('/cgi-bin/getcallbackip', { access_token: info.authorizer_access_token ?? '' })
  t.truthy(ips.ip_list)
})

test('/cgi-bin/component/api_authorizer_token: the refresh token is good until the app is authorised anew', async (t) => {
  const wechat = startWechat(t)
  const { post } = await callsOf(wechat)
  const { query, component_appid } = await componentOf(wechat, post)
  const authorize = async () => {
    const authorization_code = wechat.component.authorize()
    const answer = await post('/cgi-bin/component/api_query_auth', query, {
      component_appid,
      authorization_code,
    })
    return (answer.authorization_info as Record<string, string>).authorizer_refresh_token
  }
  const refresh = (authorizer_refresh_token: string | undefined) => {
    const body = { component_appid, authorizer_appid: wechat.appId, authorizer_refresh_token }
    return post('/cgi-bin/component/api_authorizer_token', query, body)
  }
  const old = await authorize()

  t.like(await refresh(old), { expires_in: 7200, authorizer_refresh_token: old })
  await authorize()
  t.is((await refresh(old)).errcode, 61023)
  wechat.component.unauthorize()
  t.is((await refresh(old)).errcode, 61003)
})

test('/sns/component/jscode2session: who is authorised exchanges codes without the AppSecret', async (t) => {
  const wechat = startWechat(t)
  const { get, post } = await callsOf(wechat)
  const { query, component_appid } = await componentOf(wechat, post)
  const phone = wechat.phone('alice')
  const ask = async (js_code: string, wrong = {}) => {
    const right = {
      appid: wechat.appId,
      js_code,
      grant_type: 'authorization_code',
      component_appid,
      ...query,
    }
    return get('/sns/component/jscode2session', { ...right, ...wrong })
  }

  const code = await logIn(phone)
  t.is((await ask(code)).errcode, 61003)
  wechat.component.authorize()
  const session = await ask(code)

  t.is(session.openid, phone.user.openId)
  t.deepEqual(Object.keys(session).sort(), ['openid', 'session_key'])
  t.is((await ask(code)).errcode, 40163)
  t.is((await ask('unknown')).errcode, 40029)
  t.is((await ask('x', { component_appid: 'wxother' })).errcode, 61011)
  t.is((await ask('x', { component_access_token: 'x' })).errcode, 40001)
  t.is(wechat.exchanges, 6)
  wechat.clock.advance(minutes(121))
  t.is((await ask('x')).errcode, 42001)
})

test('platform wecom: /cgi-bin/gettoken: the same token for all who ask, texts with a hint', async (t) => {
  const wechat = startWechat(t, { platform: 'wecom' })
  const { get } = await callsOf(wechat)
  const { corpId: corpid, corpSecret: corpsecret } = wechat.wecom
  const ask = (query: Record<string, string>) => get('/cgi-bin/gettoken', query)

  const first = await ask({ corpid, corpsecret })

  t.like(first, { errcode: 0, errmsg: 'ok', expires_in: 7200 })
  t.is((await ask({ corpid, corpsecret })).access_token, first.access_token)
  const wrong = await ask({ corpid: 'ww0', corpsecret })
  t.is(wrong.errcode, 40013)
  t.regex(
    String(wrong.errmsg),
    /^invalid corpid, hint: \[\d{10}\w+\], from ip: .*, more info at https:.*\?e=40013$/,
  )
  t.is((await ask({ corpid, corpsecret: 'x' })).errcode, 40001)
  t.is((await ask({ corpid })).errcode, 41004)
})

test('platform wecom: /cgi-bin/miniprogram/jscode2session: a code of wx.qy.login() is a member of the enterprise', async (t) => {
  const wechat = startWechat(t, { platform: 'wecom' })
  const { get, base } = await callsOf(wechat)
  const { corpId: corpid, corpSecret: corpsecret } = wechat.wecom
  const { access_token } = await get('/cgi-bin/gettoken', { corpid, corpsecret })
  const { wx } = wechat.phone('alice')
  const codeOfWecom = async () => (await result<LoginResult>((callbacks) => wx.qy?.login(callbacks))).code
  const ask = (js_code: string, wrong = {}) => {
    const right = { access_token: String(access_token), js_code, grant_type: 'authorization_code' }
    return get('/cgi-bin/miniprogram/jscode2session', { ...right, ...wrong })
  }
  const code = await codeOfWecom()

  const session = await ask(code)

  t.like(session, { errcode: 0, errmsg: 'ok', corpid, userid: 'alice' })
  t.regex(String(session.session_key), /^[0-9A-Za-z+/]{22}==$/)
  t.is((await ask(code)).errcode, 40029)
  t.is((await ask(await codeOfWecom(), { access_token: 'x' })).errcode, 40014)
  // A code of WeChat's is WeChat's, there too.
  const { code: codeOfWechat } = await result(wx.login)
  t.is((await ask(codeOfWechat)).errcode, 40029)
  const response = await fetch(exchangeUrl(wechat, codeOfWechat, {}, base))
  t.is(JSON.parse(await response.text()).openid, wechat.user('alice').openId)
})

test('wx.qy: it is there in 企业微信 alone', (t) => {
  t.is(startWechat(t).phone().wx.qy, undefined)
})

test('platform qq: /sns/jscode2session: WeChat’s answer, with an errcode of 0', async (t) => {
  const qq = startWechat(t, { platform: 'qq' })
  const { get } = await callsOf(qq)
  const ask = async (js_code: string, wrong = {}) => {
    const right = { appid: qq.appId, secret: qq.appSecret, js_code, grant_type: 'authorization_code' }
    return get('/sns/jscode2session', { ...right, ...wrong })
  }
  const code = await logIn(qq.phone('alice'))

  const session = await ask(code)

  t.like(session, { errcode: 0, errmsg: '', openid: qq.user('alice').openId })
  t.regex(String(session.openid), /^[0-9A-F]{32}$/)
  t.regex(qq.appId, /^\d{10}$/)
  t.is((await ask(code)).errcode, 40029)
  t.is((await ask('x', { secret: 'x' })).errcode, 40125)
})

test('platform qq: /api/getToken: an access_token', async (t) => {
  const qq = startWechat(t, { platform: 'qq' })
  const { get } = await callsOf(qq)
  const { appId: appid, appSecret: secret } = qq

  const ask = (query: Record<string, string>) =>
    get('/api/getToken', { grant_type: 'client_credential', ...query })

  t.deepEqual(Object.keys(await ask({ appid, secret })), ['access_token', 'expires_in'])
  t.deepEqual(await ask({ appid: '1', secret }), { errcode: 40013, errmsg: 'invalid appid' })
  t.is((await ask({ appid, secret: 'x' })).errcode, 40001)
  // WeChat's own paths are not there.
  t.is((await get('/cgi-bin/token')).errcode, 40066)
})

test('platform douyin: /api/apps/v2/jscode2session: data within err_no and err_tips', async (t) => {
  const douyin = startWechat(t, { platform: 'douyin', unionIds: true })
  const { post } = await callsOf(douyin)
  const { wx, user } = douyin.phone('alice')
  const ask = async (body: object) => {
    const { appId: appid, appSecret: secret } = douyin
    return post('/api/apps/v2/jscode2session', {}, { appid, secret, ...body })
  }
  const { code, anonymousCode } = await result(wx.login)

  const session = await ask({ code, anonymous_code: anonymousCode })

  t.like(session, { err_no: 0, err_tips: 'success', data: { openid: user.openId, unionid: user.unionId } })
  const { session_key, anonymous_openid } = session.data as Record<string, string>
  t.truthy(anonymous_openid)
  t.like(await ask({ code }), { err_no: 40018, err_tips: 'bad code' })
  t.like(await ask({ anonymous_code: 'x' }), { err_no: 40019 })
  t.like(await ask({ code, secret: 'x' }), { err_no: 40017, err_tips: 'bad secret' })
  t.like(await ask({ code, appid: 'x' }), { err_no: 40015 })
  t.like(douyin.calls[1], { code, errcode: 40018 })

  // Signed as WeChat signs.
  const { rawData, signature } = await result(wx.getUserInfo)
  t.is(
    signature,
    createHash('sha1')
      .update(rawData + session_key)
      .digest('hex'),
  )
})

test('platform douyin: wx.login({ force: false }): who is not logged in has an anonymous code alone', async (t) => {
  const douyin = startWechat(t, { platform: 'douyin' })
  const { post } = await callsOf(douyin)
  const phone = douyin.phone('alice')
  phone.isLoggedIn = false
  const { appId: appid, appSecret: secret } = douyin

  const { code, anonymousCode, isLogin } = await result<LoginResult>((callbacks) =>
    phone.wx.login({ force: false, ...callbacks }),
  )
  const answer = await post(
    '/api/apps/v2/jscode2session',
    {},
    { appid, secret, anonymous_code: anonymousCode },
  )

  t.deepEqual([code, isLogin], ['', false])
  t.like(answer.data, { openid: '', session_key: '' })
  t.truthy((answer.data as Record<string, string>).anonymous_openid)
})

test('platform douyin: /api/apps/jscode2session: version 1 is flat', async (t) => {
  const douyin = startWechat(t, { platform: 'douyin' })
  const { get } = await callsOf(douyin)
  const { appId: appid, appSecret: secret } = douyin
  const code = await logIn(douyin.phone('alice'))
  const ask = () => get('/api/apps/jscode2session', { appid, secret, code })

  t.like(await ask(), { error: 0, openid: douyin.user('alice').openId })
  t.deepEqual(await ask(), { errcode: 40018, errmsg: 'bad code', error: 3, message: 'bad code' })
})

test('platform douyin: /api/apps/v2/token: an access_token', async (t) => {
  const douyin = startWechat(t, { platform: 'douyin' })
  const { post } = await callsOf(douyin)
  const ask = (wrong: object) => {
    const right = { appid: douyin.appId, secret: douyin.appSecret, grant_type: 'client_credential' }
    return post('/api/apps/v2/token', {}, { ...right, ...wrong })
  }

  t.like(await ask({}), { err_no: 0, data: { expires_in: 7200 } })
  t.like(await ask({ secret: 'x' }), { err_no: 40017 })
  t.like(await ask({ grant_type: 'x' }), { err_no: 40020 })
})

test('platform douyin: wechat.fail(): errcodes and missing fields, in its own form', async (t) => {
  const douyin = startWechat(t, { platform: 'douyin' })
  const { post } = await callsOf(douyin)
  const code = await logIn(douyin.phone())
  const ask = () =>
    post('/api/apps/v2/jscode2session', {}, { appid: douyin.appId, secret: douyin.appSecret, code })
  douyin.fail({ errcode: -1, consume: false })
  douyin.fail('withoutOpenId')

  t.like(await ask(), { err_no: -1, err_tips: 'system error' })
  const { data } = await ask()
  t.false(Object.hasOwn(data as object, 'openid'))
})

const referers = {
  wechat: /^https:\/\/servicewechat\.com\/wx\w+\/1\/page-frame\.html$/,
  qq: /^https:\/\/appservice\.qq\.com\/\d+\/1\/page-frame\.html$/,
  douyin: /^https:\/\/tmaservice\.developer\.toutiao\.com\/\?appid=tt\w+&version=1$/,
} as const

for (const [platform, pattern] of Object.entries(referers)) {
  test(`platform ${platform}: requests come from its own page`, async (t) => {
    const url = await startServer(t, (request, response) => response.end(request.headers.referer))
    const wechat = startWechat(t, { platform: platform as keyof typeof referers })

    const { data } = await result<RequestResult>((callbacks) =>
      wechat.phone().wx.request({ url, ...callbacks }),
    )

    t.regex(String(data), pattern)
  })
}

async function componentOf(
  { component }: ReturnType<typeof startWechat>,
  post: (path: string, query: Record<string, string>, body: object) => Promise<Json>,
) {
  const { component_access_token } = await post(
    '/cgi-bin/component/api_component_token',
    {},
    {
      component_appid: component.appId,
      component_appsecret: component.appSecret,
      component_verify_ticket: component.verifyTicket,
    },
  )
  return {
    component_appid: component.appId,
    query: { component_access_token: String(component_access_token) },
  }
}

test('a code lives five minutes, at every host', async (t) => {
  const age = 5 * 60_000
  for (const platform of ['wechat', 'wecom', 'qq', 'douyin'] as const) {
    const wechat = startWechat(t, { platform })
    const { get, post } = await callsOf(wechat)
    const { wx } = wechat.phone('alice')
    const login = wx.qy?.login ?? wx.login
    const { code: js_code, anonymousCode: anonymous_code } = await result<LoginResult>(login)
    const { appId: appid, appSecret: secret } = wechat
    const { corpId: corpid, corpSecret: corpsecret } = wechat.wecom
    const grant_type = 'authorization_code'
    wechat.clock.advance(age)

    if (platform === 'douyin') {
      const ask = (body: object) => post('/api/apps/v2/jscode2session', {}, { appid, secret, ...body })
      t.is((await ask({ code: js_code })).err_no, 40018)
      t.is((await ask({ anonymous_code })).err_no, 40019)
    } else if (platform === 'wecom') {
      const { access_token } = await get('/cgi-bin/gettoken', { corpid, corpsecret })
      const query = { access_token: String(access_token), js_code, grant_type }
      t.is((await get('/cgi-bin/miniprogram/jscode2session', query)).errcode, 40029)
    } else {
      t.is(
        (await get('/sns/jscode2session', { appid, secret, js_code, grant_type })).errcode,
        40029,
        platform,
      )
    }
  }
})
