import type { Diagnostics } from 'koa-weapp-session'
import type { EventEntry, Step } from '../../protocol.js'

/** A text in both languages, Chinese first. */
export type Words = readonly [zh: string, en: string]

const LANGUAGES = ['zh', 'en'] as const
const KEY = 'one-stroke/language'

let language = localStorage.getItem(KEY) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')

function isEnglish(): boolean {
  return language === 'en'
}

/** The one of the two that the page is in. */
export function say(words: Words): string {
  return words[isEnglish() ? 1 : 0]
}

export function switchLanguage(): void {
  language = LANGUAGES[isEnglish() ? 0 : 1]
  localStorage.setItem(KEY, language)
}

/** Puts the texts of the page, which has only their names. */
export function fillWords(): void {
  document.documentElement.lang = isEnglish() ? 'en' : 'zh-CN'
  for (const element of document.querySelectorAll<HTMLElement>('[data-words]')) {
    element.textContent = say(PAGE[element.dataset.words as keyof typeof PAGE])
  }
}

const PAGE = {
  tagline: [
    '左边是小程序，右边是它和服务器之间发生的一切。画一笔，看看登录态是怎么走的。',
    'A mini program, and all that goes on between it and its server. Draw, and watch its session travel.',
  ],
  tabPhone: ['小程序', 'App'],
  tabLab: ['试一试', 'Try it'],
  tabTimeline: ['请求', 'Requests'],
  timeline: ['请求', 'Requests'],
  clear: ['清空', 'Clear'],
  lab: ['试一试，看会发生什么', 'Make things happen'],
  record: ['服务器上存的会话', 'The session, as the server keeps it'],
  nothing: ['还没有请求：在手机上画一笔。', 'No requests yet: draw something on the phone.'],
} satisfies Record<string, Words>

export const LABELS = {
  request: ['手机发出', 'The phone sends'],
  server: ['服务器上', 'On the server'],
  response: ['手机收到', 'The phone gets'],
  waiting: ['等待中', 'waiting'],
  other: ['个其他头部字段', 'other headers'],
  memory: ['会话存储（内存）', 'Session store (memory)'],
  redis: ['会话存储（Redis）', 'Session store (Redis)'],
  wechat: ['微信服务器', 'WeChat'],
  up: ['正常', 'up'],
  down: ['停了', 'down'],
  offline: ['没有网络', 'offline'],
  noSession: [
    '没有会话：这个用户还没有登录，或者已经退出。',
    'None: this user has not logged in, or was logged out.',
  ],
  sealed: ['已加密（AES-256-GCM）', 'sealed (AES-256-GCM)'],
  expired: ['已过期', 'expired'],
  failed: ['没试成，再按一次。', 'That did not work. Press it once more.'],
  trying: ['正在试…', 'Trying …'],
  language: ['English', '中文'],
} satisfies Record<string, Words>

/** What a header is, for readers who see it for the first time. */
export function meaningOf(name: string, value: string): Words | undefined {
  const key = name.toLowerCase().replace(/^(weapp|x-wx)-/, '')
  return key === 'login' ? LOGINS[value] : HEADERS[key]
}

/** By their names after the prefix, which is one of two. */
const HEADERS: Record<string, Words> = {
  code: ['wx.login() 给的 code：只能登录一次', 'the code of wx.login(): it logs in once'],
  rawdata: ['wx.getUserInfo() 给的 rawData（已解码）', 'rawData from wx.getUserInfo(), shown decoded'],
  signature: ['SHA-1(rawData + session_key)，微信算的', 'SHA-1 of rawData and session_key, made by WeChat'],
  session: ['会话的凭证：随机数，带服务器签名', 'the session’s credential: random, signed by the server'],
  'session-error': ['拒绝的原因', 'why it was refused'],
  referer: ['微信加的，小程序改不了', 'set by WeChat, not by the app'],
  'retry-after': ['几秒后再重试', 'seconds until a retry makes sense'],
}

/** What one header says: in a request, and in an answer. */
const LOGINS: Record<string, Words> = {
  code: ['只用 code 登录', 'a login by code alone'],
  accepted: ['登录成功：客户端只认这个词，不看状态码', 'the login was accepted: its only proof'],
  required: ['下一个请求要先登录', 'the next request has to log in first'],
}

/** What happened beside requests. */
export const EVENTS: Record<EventEntry['event'], Words> = {
  expire: ['时间过去了：会话到期', 'Time has passed: the session is over'],
  revoke: ['session.revoke(openId)：在别处退出登录', 'session.revoke(openId): logged out elsewhere'],
  offline: ['手机没有网络了', 'The phone has no network'],
  online: ['手机又有网络了', 'The phone has a network again'],
  storeDown: ['会话存储停了', 'The session store is down'],
  storeUp: ['会话存储恢复了', 'The session store is up again'],
  wechatDown: ['微信服务器停了（一律 502）', 'WeChat is down (502 to everything)'],
  wechatUp: ['微信服务器恢复了', 'WeChat is up again'],
  codeUsed: ['绕过服务器，拿同一个 code 直接问微信', 'The same code once more, straight to WeChat'],
  headerCarrier: [
    '服务器改用 headerCarrier()：凭证是 Weapp-Session',
    'The server now has headerCarrier(): the credential is Weapp-Session',
  ],
  codeCarrier: [
    '服务器改用 codeCarrier()：凭证是登录的 code',
    'The server now has codeCarrier(): the credential is the code of the login',
  ],
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

const CLAIMS: Record<StepOf<'identify'>['claim'], { short: Words; long: Words }> = {
  nothing: {
    short: ['无凭证', 'no credential'],
    long: ['没有凭证：不知道是谁', 'There is no credential: this could be anybody'],
  },
  session: {
    short: ['会话', 'session'],
    long: ['带着一个会话的凭证', 'It shows the credential of a session'],
  },
  login: {
    short: ['登录', 'login'],
    long: ['这是一次登录：带着 wx.login() 的 code', 'This is a login: it brings a code of wx.login()'],
  },
}

const HANDLERS: Record<StepOf<'handler'>['call'], Words> = {
  list: ['取画', 'list'],
  save: ['存画', 'save'],
  remove: ['删画', 'delete'],
}

type Store = Diagnostics['store']

/** What a step is called in the short line of a request. */
export function shortStep(step: Step): Words {
  switch (step.kind) {
    case 'identify':
      return CLAIMS[step.claim].short
    case 'store':
      return [`存储 ${step.call}`, `store ${step.call}`]
    case 'exchange':
      return ['换 code', 'exchange']
    case 'login':
      return ['已登录', 'logged in']
    case 'handler':
      return HANDLERS[step.call]
    case 'refusal':
      return [step.reason, step.reason]
    case 'breaker':
      return step.isOpen ? ['断路', 'breaker opens'] : ['恢复', 'breaker closes']
  }
}

/** What a step was, in a sentence. */
export function longStep(step: Step): Words {
  switch (step.kind) {
    case 'identify':
      return CLAIMS[step.claim].long
    case 'store':
      return storeStep(step)
    case 'exchange':
      if (step.status === undefined) {
        return [
          'code2Session：用 code 向微信换来 openid 和 session_key',
          'code2Session: the code is exchanged at WeChat, for openid and session_key',
        ]
      }
      return step.errcode === undefined
        ? [
            `code2Session：微信没有返回可用的结果（${step.status}）`,
            `code2Session: WeChat gave no usable answer (${step.status})`,
          ]
        : [
            `code2Session：微信拒绝了这个 code（错误码 ${step.errcode}）`,
            `code2Session: WeChat refused the code (errcode ${step.errcode})`,
          ]
    case 'login':
      return loginStep(step)
    case 'handler':
      return handlerStep(step)
    case 'breaker':
      return breakerStep(step)
    case 'refusal':
      return [
        `拒绝：${REFUSALS[step.reason]?.[0] ?? step.message}`,
        `Refused: ${REFUSALS[step.reason]?.[1] ?? step.message}`,
      ]
  }
}

function breakerStep({ of, isOpen }: Diagnostics['breaker']): Words {
  const [zh, en]: Words = of === 'wechat' ? ['微信', 'WeChat'] : ['存储', 'the store']
  return isOpen
    ? [
        `断路器打开：${zh}连续没有响应，先停一会儿，期间的请求立即拒绝`,
        `The breaker opens: ${en} fails again and again, so it is left alone for a while, and requests are refused at once`,
      ]
    : [`断路器合上：${zh}恢复响应了`, `The breaker closes: ${en} answers again`]
}

function loginStep({ isNew, proof }: Diagnostics['login']): Words {
  const [zh, en]: Words =
    proof === 'signature'
      ? ['rawData 的签名用 session_key 验过了', 'the signature of rawData fits the session_key']
      : ['没有资料要验', 'there is no profile to be checked']
  return isNew
    ? [`登录成功：${zh}，openid 以微信返回的为准`, `Logged in: ${en}, and the openid is WeChat’s word`]
    : [`同一个 code 又来了：${zh}，返回同一个会话`, `The same code again: ${en}, so it gets the same session`]
}

function storeStep({ call, outcome }: Store): Words {
  if (outcome === 'failed') return [`存储 ${call}：没有响应`, `Store ${call}: no answer`]
  const found: Partial<Record<Store['outcome'], Words>> = {
    session: ['会话在', 'the session is there'],
    ended: ['会话已经结束', 'a session was here, and is over'],
    nothing: ['什么也没有', 'nothing is there'],
    claimed: ['另一个请求正在用这个 code 登录', 'another request is logging in with this code'],
    used: ['这个 code 已经登录过', 'the code has its session already'],
    refused: ['微信拒绝过这个 code', 'WeChat has refused this code before'],
    granted: ['认领成功：只由这一个请求去换', 'granted: this request exchanges the code, and no other does'],
  }
  const [zh, en] = found[outcome] ?? [outcome, outcome]
  switch (call) {
    case 'read':
      return [`存储 read：${zh}`, `Store read: ${en}`]
    case 'claim':
      return [`存储 claim：${zh}`, `Store claim: ${en}`]
    case 'create':
      return [
        '存储 create：写入会话，session_key 加密保存',
        'Store create: the session is stored, its session_key sealed',
      ]
    case 'revoke':
      return ['存储 revoke：这个用户的会话全部结束', 'Store revoke: every session of this user is over']
    case 'list':
      return [
        '存储 list：这个用户还有哪些会话（昵称可能在那里）',
        'Store list: the user’s other sessions, which may know their name',
      ]
    case 'refuse':
      return [
        '存储 refuse：记住这个 code 用不了，不再去问微信',
        'Store refuse: it is remembered that this code is no good',
      ]
    default:
      return [`存储 ${call}：${zh}`, `Store ${call}: ${en}`]
  }
}

function handlerStep({ call, outcome, count }: StepOf<'handler'>): Words {
  if (outcome === 'failed') return ['应用：没有成功', 'The app: that did not work']
  switch (call) {
    case 'list':
      return [`应用：这个 openid 的画，${count} 幅`, `The app: the drawings of this openid, ${count} of them`]
    case 'save':
      return ['应用：画存到这个 openid 名下', 'The app: the drawing is saved for this openid']
    case 'remove':
      return ['应用：从这个 openid 名下删掉', 'The app: the drawing of this openid is deleted']
  }
}

const REFUSALS: Partial<Record<Diagnostics['refusal']['reason'], Words>> = {
  ERR_SESSION_EXPIRED: [
    '会话不存在、过期或已退出。客户端应重新登录，再发一次',
    'unknown, expired or logged out. The client should log in and send it again',
  ],
  ERR_LOGIN_REQUIRED: ['这里要求登录', 'this route is for users'],
  ERR_UNTRUSTED_RAW_DATA: [
    '资料与微信的签名对不上，原样重试也没有用',
    'the profile is not what WeChat signed. The same profile once more is no use',
  ],
  ERR_SESSION_KEY_EXCHANGE_FAILED: [
    '换 code 没有成功。客户端应稍后用新的 code 重试',
    'the code was not exchanged. The client should get a new one, later',
  ],
  ERR_BAD_REQUEST: [
    '请求头的格式不对，或互相矛盾',
    'a header has an impossible shape, or contradicts another',
  ],
  ERR_STORE_UNAVAILABLE: [
    '存储没有响应：会话还在，稍后重试，谁也不会被登出',
    'the store did not answer: keep the session and retry. Nobody is logged out',
  ],
  ERR_SESSION_CONFLICT: ['会话同时被另一个请求改了', 'another request changed the session first'],
}
