import type { Change, FaultName, HeaderMeaning, RequestEntry } from '../protocol.js'
import { language } from './settings.js'

/** A text in both languages, Chinese first. */
export type Words = readonly [zh: string, en: string]

/** The one of the two that the page is in. */
export function say(words: Words): string {
  return words[language() === 'zh' ? 0 : 1]
}

/** Puts the texts of the page, which has only their names. */
export function fillWords(): void {
  document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en'
  document.title = say(LABELS.title)
  for (const element of document.querySelectorAll<HTMLElement>('[data-words]'))
    element.textContent = say(LABELS[element.dataset.words as keyof typeof LABELS])
  for (const element of document.querySelectorAll<HTMLElement>('[data-name]'))
    element.ariaLabel = say(LABELS[element.dataset.name as keyof typeof LABELS])
  for (const element of document.querySelectorAll<HTMLInputElement>('[data-hint]'))
    element.placeholder = say(LABELS[element.dataset.hint as keyof typeof LABELS])
}

export const LABELS = {
  title: ['调试面板', 'Session inspector'],
  language: ['English', '中文'],
  auto: ['主题：跟随系统', 'Theme: system'],
  light: ['主题：浅色', 'Theme: light'],
  dark: ['主题：深色', 'Theme: dark'],
  views: ['视图', 'Views'],
  requests: ['请求', 'Requests'],
  users: ['用户与会话', 'Users and sessions'],
  usersShort: ['用户', 'Users'],
  faults: ['故障', 'Faults'],
  search: ['搜索请求', 'Search requests'],
  searchHint: ['路径、错误码、用户、请求头…', 'path, code, user, header …'],
  kind: ['类型', 'Kind'],
  all: ['全部请求', 'All requests'],
  logins: ['登录', 'Logins'],
  refused: ['被拒绝的', 'Refused'],
  errors: ['服务器错误', 'Server errors'],
  user: ['用户', 'User'],
  everybody: ['所有用户', 'All users'],
  export: ['导出为测试', 'Export test'],
  clear: ['清空', 'Clear'],
  list: ['请求列表，最新的在前', 'Requests, the newest first'],
  detail: ['请求详情', 'Request details'],
  back: ['返回列表', 'Back to the list'],
  nothing: ['还没有请求。', 'No requests yet.'],
  nothingHint: [
    '在小程序里操作一下，或者用 curl 请求这个服务器，这里就会显示。',
    'Use the mini program, or send this server a request with curl, and it appears here.',
  ],
  noMatch: ['没有符合条件的请求。', 'No request matches.'],
  pick: ['选择一个请求，查看它的详情。', 'Select a request to see what happened.'],
  gone: ['与服务器的连接断开了，正在重新连接…', 'The server is gone. Trying to reach it again …'],
  live: ['已连接', 'Connected'],
  lost: ['已断开', 'Disconnected'],
  store: ['会话存储', 'Store'],
  wechat: ['微信接口', 'WeChat'],
  none: ['正常', 'normal'],
  fails: ['不可用', 'fails'],
  slow: ['变慢', 'slow'],
  noApp: [
    '还没有请求经过 weappSession()：把 inspector() 放在它前面，再发一个请求。',
    'No request has come through weappSession() yet: put inspector() before it, and send a request.',
  ],
  notSeen: ['这个请求没有经过 weappSession()。', 'This request did not come through weappSession().'],
  waiting: ['处理中', 'waiting'],
  aborted: ['客户端中途断开', 'the client left before the end'],
  waterfall: ['时间线', 'Timeline'],
  noSteps: ['会话中间件没有做任何事。', 'The session middleware had nothing to do.'],
  request: ['请求', 'Request'],
  response: ['响应', 'Response'],
  headers: ['头部字段', 'Headers'],
  otherHeaders: ['其他头部字段', 'Other headers'],
  body: ['正文', 'Body'],
  requestBody: ['请求正文', 'Body of the request'],
  responseBody: ['响应正文', 'Body of the response'],
  empty: ['（空）', '(empty)'],
  cut: ['（只显示开头）', '(only the beginning)'],
  binary: ['二进制内容', 'binary'],
  encoded: ['压缩过的内容', 'compressed'],
  'not seen': [
    '没有看到：把 inspector() 放在最前面',
    'not seen: put inspector() first, before what reads the body',
  ],
  signature: ['rawData 的签名', 'Signature of rawData'],
  good: ['签名一致：rawData 就是微信签过的那份。', 'The signature fits: rawData is what WeChat signed.'],
  bad: [
    '签名不一致：rawData 不是微信签过的那份。',
    'The signature does not fit: rawData is not what WeChat signed.',
  ],
  given: ['请求里的签名', 'Sent'],
  expected: ['服务器重新计算的', 'Computed again here'],
  signed: ['与微信签过的原文相比：', 'Compared with the text that was signed:'],
  last: ['与微信上一次为该用户签过的相比：', 'Compared with what WeChat signed last for this user:'],
  stored: ['与会话里保存的资料相比：', 'Compared with the profile in the session:'],
  field: ['字段', 'Field'],
  there: ['原来', 'Was'],
  here: ['现在', 'Is'],
  copyCurl: ['复制为 curl', 'Copy as curl'],
  copied: ['已复制，其中有完整的凭证。', 'Copied. It has the whole credential.'],
  copyFailed: [
    '浏览器不允许复制，请手动选择下面的文本。',
    'The browser did not allow that. Select the text below.',
  ],
  curl: ['curl 命令', 'curl command'],
  replayed: ['已重放，结果在列表里。', 'Sent again: the answer is in the list.'],
  noReplay: ['不能重放：正文不完整。', 'It cannot be sent again: its body is not whole.'],
  failed: ['没有成功：', 'That did not work: '],
  exported: ['已导出 trace.test.mjs。', 'Saved as trace.test.mjs.'],
  cleared: ['已清空。', 'Cleared.'],
  noUsers: ['还没有用户登录。', 'Nobody has logged in yet.'],
  noUsersHint: [
    '经过这里的用户会列出来，可以结束他们的会话。',
    'Users who come by are listed here, and their sessions can be ended.',
  ],
  noSessions: ['没有有效的会话。', 'No live session.'],
  unknownSessions: ['会话存储没有响应。', 'The session store does not answer.'],
  revoke: ['结束全部会话', 'End all sessions'],
  revoked: ['该用户的会话已全部结束。', 'All sessions of this user have ended.'],
  end: ['结束这个会话', 'End this session'],
  ended: [
    '会话已结束，下一个请求会得到 ERR_SESSION_EXPIRED。',
    'The session has ended: its next request gets ERR_SESSION_EXPIRED.',
  ],
  refresh: ['刷新', 'Refresh'],
  created: ['开始', 'Began'],
  expires: ['到期', 'Ends'],
  key: ['session_key（已加密）', 'session_key (sealed)'],
  data: ['data', 'data'],
  carrier: ['凭证载体', 'Carrier'],
  seen: ['最近出现', 'Last seen'],
  faultsIntro: [
    '只影响这个进程里的 weappSession()，服务器重启后恢复正常。',
    'They happen inside weappSession() of this process, and end with it.',
  ],
  faultSet: ['故障已切换。', 'Changed.'],
  storeHint: [
    '不可用：需要会话的请求返回 503 和 Retry-After，用户不掉线。变慢：每次读写多 150 毫秒。',
    'Fails: requests that need a session get 503 with Retry-After, and nobody is logged out. Slow: each call takes 150 ms longer.',
  ],
  wechatHint: [
    '不可用：已登录的用户不受影响，新的登录失败（502）。变慢：每次调用多 2 秒。',
    'Fails: whoever is logged in does not notice, and logins get 502. Slow: each call takes 2 s longer.',
  ],
  apps: ['经过的 weappSession()', 'weappSession() seen'],
  at: ['时间', 'Time'],
  from: ['来自', 'From'],
  mini: ['小程序', 'Mini program'],
  replayOf: ['重放自', 'Repeats'],
  faultsThen: ['当时的故障', 'Faults then'],
} satisfies Record<string, Words>

export const FAULT_WORDS: Record<FaultName, Words> = {
  none: LABELS.none,
  fails: LABELS.fails,
  slow: LABELS.slow,
}

export const CHANGES: Record<Change, Words> = {
  none: ['重放', 'Replay'],
  credential: ['改一个字符的凭证再发', 'Replay with another credential'],
  rawData: ['篡改 rawData 再发', 'Replay with tampered rawData'],
}

/** What each header is, for readers who see it for the first time. */
export const MEANINGS: Record<HeaderMeaning, Words> = {
  code: ['wx.login() 给的 code', 'the code of wx.login()'],
  rawData: ['wx.getUserInfo() 给的 rawData（已解码）', 'rawData from wx.getUserInfo(), decoded'],
  signature: ['SHA-1(rawData + session_key)，微信算的', 'SHA-1 of rawData and session_key, by WeChat'],
  encryptedData: ['微信用 session_key 加密的数据', 'encrypted by WeChat with the session_key'],
  iv: ['加密的初始向量', 'the initial vector of the encryption'],
  login: ['登录标记', 'says that it is a login'],
  session: ['会话的凭证：随机数，带服务器签名', 'the session’s credential: random, signed by this server'],
  token: ['会话的凭证：JWT', 'the session’s credential: a JWT'],
  bearer: ['Authorization 里的凭证', 'a credential in Authorization'],
  cookie: ['Cookie', 'cookies'],
  appId: ['哪个小程序', 'which mini program'],
  error: ['拒绝的原因', 'why it was refused'],
  referer: ['微信加的：AppID 和版本', 'set by WeChat: the AppID and the version'],
  platform: ['微信云托管加的', 'set by 微信云托管'],
  retryAfter: ['几秒后再重试', 'seconds until a retry makes sense'],
}

export const LOGIN_VALUES: Record<string, Words> = {
  code: ['只用 code 登录', 'a login by code alone'],
  accepted: ['登录成功：客户端只认这个词', 'the login was accepted: its only proof'],
  required: ['下一个请求要先登录', 'the next request has to log in first'],
}

/** What a request of a listed kind is. */
export const KINDS: Record<'all' | 'logins' | 'refused' | 'errors', (entry: RequestEntry) => boolean> = {
  all: () => true,
  logins: ({ steps }) =>
    steps.some((step) => step.kind === 'exchange' || (step.kind === 'identify' && step.by === 'login')),
  refused: ({ steps, response }) =>
    steps.some(({ kind }) => kind === 'refusal') || (response !== undefined && response.status >= 400),
  errors: ({ response }) => response !== undefined && response.status >= 500,
}
