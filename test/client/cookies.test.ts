import test, { type ExecutionContext } from 'ava'
import type { Head } from '../../client/src/answer.js'
import { type CookieJar, livingCookies, readCookies, withCookies } from '../../client/src/cookies.js'

const URL = 'https://shop.example.com/a/b?c=/d'

/** What is sent to an address after these answers from another. */
function sent(to: string, lines: Head['cookies'], from = URL): string | undefined {
  return withCookies(after(lines, from), to, {}).Cookie
}

function after(cookies: Head['cookies'], from = URL): CookieJar {
  const jar: CookieJar = {}
  readCookies(jar, from, { cookies })
  return jar
}

test('cookies: a cookie goes back to where it came from, with its value unchanged', (t) => {
  t.is(sent(URL, ['sid=a.b%20=="c"; HttpOnly; SameSite=Lax']), 'sid=a.b%20=="c"')
  t.is(sent(URL, [' sid = 1 ']), 'sid=1')
  t.is(sent(URL, ['sid=']), 'sid=')
  for (const line of ['', 'sid', '=1', '; Path=/']) t.is(sent(URL, [line]), undefined, line)
})

test('cookies: cookies are read from an array, a header in any case, an array in it, and a text joined by commas', (t) => {
  const expires = 'Expires=Wed, 21 Oct 2099 07:28:00 GMT'
  const joined = `a=1; ${expires}; Path=/,b=2; Path=/; ${expires}, c=3`
  const heads: Head[] = [
    { cookies: [`a=1; ${expires}`, 'b=2', 'c=3'] },
    { header: { 'Set-Cookie': joined } },
    { header: { 'set-cookie': joined }, cookies: [] },
    { header: { 'SET-COOKIE': ['a=1', `b=2; ${expires}`, 'c=3'] } },
  ]

  for (const head of heads) {
    const jar: CookieJar = {}
    readCookies(jar, 'https://example.com/', head)
    t.is(withCookies(jar, 'https://example.com/', {}).Cookie, 'a=1; b=2; c=3')
  }
})

test('cookies: an answer without cookies changes nothing, and says so', (t) => {
  const jar: CookieJar = {}

  t.false(readCookies(jar, URL, {}))
  t.false(readCookies(jar, URL, { header: { 'Set-Cookie': '' }, cookies: [] }))
  t.deepEqual(jar, {})
  t.true(readCookies(jar, URL, { cookies: ['a=1', 'b=2'] }))
})

test('cookies: an attribute that comes twice means what it says last (RFC 6265, 5.3)', (t) => {
  t.is(sent('https://shop.example.com/b', ['a=1; Path=/a; path=/b']), 'a=1')
  t.is(sent(URL, ['a=1; Max-Age=0; Max-Age=60']), 'a=1')
})

test('cookies: a cookie that is set again is replaced; with another path it is another cookie', (t) => {
  t.is(sent(URL, ['a=1', 'a=2']), 'a=2')
  t.is(sent(URL, ['a=1; Path=/', 'a=2; Path=/a']), 'a=1; a=2')
})

test('Max-Age and Expires: the first counts more, the past deletes, and neither means for ever', (t) => {
  const past = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  const future = 'Expires=Wed, 21 Oct 2099 07:28:00 GMT'

  t.is(sent(URL, ['a=1; Max-Age=60']), 'a=1')
  t.is(sent(URL, [`a=1; ${future}`]), 'a=1')
  t.is(sent(URL, ['a=1; expires=Wed, 21-Oct-2099 07:28:00 GMT']), 'a=1')
  t.is(sent(URL, ['a=1; Expires=nonsense']), 'a=1')
  t.is(sent(URL, [`a=1; Max-Age=60; ${past}`]), 'a=1')
  for (const over of ['Max-Age=0', 'max-age=-1', past, `Max-Age=0; ${future}`]) {
    t.is(sent(URL, ['a=1; Path=/', `a=; Path=/; ${over}`, 'b=2']), 'b=2', over)
  }
  t.is(sent(URL, ['a=1; Max-Age=']), 'a=1')
  t.deepEqual(livingCookies(after([`a=1; ${past}`])), [])
})

test('Domain: a cookie goes to that host and those below it; else to its own host alone (RFC 6265, 5.1.3)', (t) => {
  const hosts = [
    'shop.example.com',
    'www.shop.example.com',
    'example.com',
    'notexample.com',
    'eshop.example.com',
  ]
  const reached = (line: string) => hosts.filter((host) => sent(`https://${host}/`, [`${line}; Path=/`]))

  t.deepEqual(reached('a=1'), ['shop.example.com'])
  t.deepEqual(reached('a=1; Domain=shop.example.com'), ['shop.example.com', 'www.shop.example.com'])
  for (const domain of ['example.com', '.Example.COM']) {
    t.deepEqual(
      reached(`a=1; Domain=${domain}`),
      hosts.filter((host) => host !== 'notexample.com'),
    )
  }
  t.is(sent('https://SHOP.example.com:8443/a/', ['a=1']), 'a=1', 'cookies know no ports')
  t.is(sent('wss://shop.example.com/a/', ['a=1']), 'a=1')
})

test('Domain: a foreign domain, a top level and part of an address are refused', (t) => {
  for (const domain of ['bank.com', 'www.shop.example.com', 'ample.com', 'com', '.com', 'op.example.com']) {
    t.is(sent(`https://${domain.replace(/^\./, '')}/`, [`a=1; Domain=${domain}; Path=/`]), undefined, domain)
    t.is(sent(URL, [`a=1; Domain=${domain}; Path=/`]), undefined, domain)
  }
  t.is(sent('http://127.0.0.1/', ['a=1; Domain=0.0.1'], 'http://127.0.0.1/'), undefined)
  t.is(sent('http://127.0.0.1/', ['a=1; Domain=127.0.0.1'], 'http://127.0.0.1/'), 'a=1')
  t.is(sent('https://a@evil.example/', ['a=1; Path=/'], 'https://a/'), undefined)
  t.is(sent('https://evil.example\\@shop.example.com/', ['a=1; Path=/']), undefined)
})

test('Path: a cookie goes to the path that it names or came from, and below (RFC 6265, 5.1.4)', (t) => {
  const paths = ['/', '/a', '/a/', '/a/b', '/ab']
  const reached = (line: string, from = URL) =>
    paths.filter((path) => sent(`https://shop.example.com${path}`, [line], from))

  t.deepEqual(reached('a=1'), ['/a', '/a/', '/a/b'])
  t.deepEqual(reached('a=1; Path=/'), paths)
  t.deepEqual(reached('a=1; Path=/a/'), ['/a/', '/a/b'])
  t.deepEqual(reached('a=1; Path=nonsense'), ['/a', '/a/', '/a/b'])
  t.deepEqual(reached('a=1', 'https://shop.example.com'), paths)
  t.deepEqual(reached('a=1', 'https://shop.example.com/a?b=/c/d'), paths)
})

test('Secure: by https, and to this machine', (t) => {
  const secure = ['a=1; Path=/; secure ;']

  t.is(sent('https://shop.example.com/', secure), 'a=1')
  t.is(sent('http://shop.example.com/', secure), undefined)
  t.is(sent('ws://shop.example.com/', secure), undefined)
  t.is(sent('https://shop.example.com/', secure, 'http://shop.example.com/'), undefined)
  for (const url of ['http://localhost:3000/', 'http://127.0.0.1:3000/']) t.is(sent(url, secure, url), 'a=1')
  t.is(sent('http://localhost.example.com/', secure, 'http://localhost.example.com/'), undefined)
})

test('__Host- and __Secure-: a name that begins so is kept to what it promises', (t) => {
  const wide = 'https://example.com/'
  for (const [line, isKept] of [
    ['__Host-wx-session=1; path=/; secure; httponly', true],
    ['__host-wx-session=1; path=/; secure', true],
    ['__Host-wx-session=1; secure', false],
    ['__Host-wx-session=1; path=/a; secure', false],
    ['__Host-wx-session=1; path=/', false],
    ['__Host-wx-session=1; path=/; secure; domain=shop.example.com', false],
    ['__Secure-a=1; domain=example.com; secure', true],
    ['__Secure-a=1; domain=example.com', false],
  ] as const) {
    t.is(sent(URL, [line]), isKept ? line.split(';')[0] : undefined, line)
  }
  t.is(sent(URL, ['__Host-wx-session=evil; path=/; secure; domain=example.com'], wide), undefined)
})

test('cookies: the cookies of the app itself come first', (t) => {
  const jar = after(['sid=1'])

  t.deepEqual(withCookies(jar, URL, { Cookie: 'own=1', 'X-Other': '2' }), {
    Cookie: 'own=1; sid=1',
    'X-Other': '2',
  })
  t.deepEqual(withCookies(jar, URL, { cookie: 'own=1' }), { cookie: 'own=1; sid=1' })
  t.deepEqual(withCookies(jar, 'https://example.com/', { cookie: 'own=1' }), { cookie: 'own=1' })
})

test('cookies: 50 cookies, the oldest go; one that is longer than 4096 characters is none', (t) => {
  const many = Array.from({ length: 52 }, (_, n) => `c${n}=${n}`)
  const jar = after([...many.slice(0, 51), 'c1=again', ...many.slice(51)])

  const names = livingCookies(jar).map(({ name }) => name)
  t.deepEqual([names.length, names[0], names.at(-2), names.at(-1)], [50, 'c3', 'c1', 'c51'])
  t.is(sent(URL, [`a=${'x'.repeat(4094)}`])?.length, 4096)
  t.is(sent(URL, [`a=${'x'.repeat(4095)}`]), undefined)
})

test('cookies: a Set-Cookie that is nonsense sets none', (t) => {
  for (const cookies of [undefined, null, 7, 'text', {}]) t.deepEqual(livingCookies({ cookies }), [])
})

test.serial(
  'Max-Age and Expires of an answer with a Date are ages: the clock of the phone may be hours wrong',
  (t) => {
    for (const hours of [-30, -3, 0, 3, 30]) {
      const clock = clockOf(t, hours * HOUR)
      const header = { Date: gmt(clock.right()) }
      const inTwoHours = `Expires=${gmt(clock.right() + 2 * HOUR)}`
      const cookies = [`a=1; ${inTwoHours}`, 'b=2; Max-Age=7200', `c=3; Max-Age=60; ${inTwoHours}`]
      const over = [`d=4; Expires=${gmt(clock.right() - 1000)}`, `e=5; Expires=${gmt(clock.right())}`]
      const jar: CookieJar = {}
      readCookies(jar, URL, { header, cookies: [...cookies, ...over] })

      t.is(withCookies(jar, URL, {}).Cookie, 'a=1; b=2; c=3', `${hours} h`)
      clock.pass(59_000)
      t.is(withCookies(jar, URL, {}).Cookie, 'a=1; b=2; c=3', `${hours} h`)
      clock.pass(HOUR)
      t.is(withCookies(jar, URL, {}).Cookie, 'a=1; b=2', `${hours} h`)
      clock.pass(HOUR)
      t.is(withCookies(jar, URL, {}).Cookie, undefined, `${hours} h`)
    }
  },
)

test.serial('Expires without a Date, or with a Date that is none, is a time of the phone', (t) => {
  const clock = clockOf(t, 0)
  for (const header of [{}, { Date: 'soon' }, { date: '' }, { Date: 7 }]) {
    const jar: CookieJar = {}
    readCookies(jar, URL, { header, cookies: [`a=1; Expires=${gmt(clock.right() + HOUR)}`] })
    t.is(withCookies(jar, URL, {}).Cookie, 'a=1', JSON.stringify(header))
  }
})

test.serial('Max-Age counts on after the clock of the phone was set back, from then and no longer', (t) => {
  for (const back of [HOUR, 30 * HOUR, 30 * 365 * 24 * HOUR]) {
    const clock = clockOf(t, 0)
    const jar = after(['a=1; Max-Age=7200'])
    clock.set(-back)

    t.is(withCookies(jar, URL, {}).Cookie, 'a=1')
    const stored: CookieJar = JSON.parse(JSON.stringify(jar))
    clock.pass(2 * HOUR - 1)
    t.is(withCookies(stored, URL, {}).Cookie, 'a=1')
    clock.pass(1)
    t.is(withCookies(stored, URL, {}).Cookie, undefined)
  }
})

test.serial(
  'a cookie that has lived its Max-Age is over, and what older versions stored is no cookie',
  (t) => {
    const clock = clockOf(t, 0)
    const jar = after(['a=1; Max-Age=1', 'b=2'])
    clock.pass(1000)
    t.is(withCookies(jar, URL, {}).Cookie, 'b=2')

    const cookie = { name: 'a', value: '1', domain: 'shop.example.com', path: '/' }
    const cookies = [null, 7, 'text', cookie, { ...cookie, expires: Date.now() + HOUR }]
    t.deepEqual(livingCookies({ cookies }), [])
  },
)

/** ms */
const HOUR = 3_600_000

function gmt(ms: number): string {
  return new Date(ms).toUTCString()
}

/** The clock of a phone, which is wrong by so many ms, until the test ends: only in serial tests. */
function clockOf(t: ExecutionContext, wrongBy: number) {
  const { now } = Date
  let right = Math.floor(now() / 1000) * 1000
  let wrong = wrongBy
  Date.now = () => right + wrong
  t.teardown(() => {
    Date.now = now
  })
  return {
    right: () => right,
    pass(ms: number) {
      right += ms
    },
    set(ms: number) {
      wrong = ms
    },
  }
}
