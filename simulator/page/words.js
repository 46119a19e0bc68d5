/** What the page says, in two languages, and which of them it speaks. */

/** @typedef {'en' | 'zh'} Lang */

const EN = {
  subtitle: 'A WeChat on this machine',
  other: '中文',
  otherLang: 'zh',
  reset: 'Reset everything',
  resetSure: 'All users, codes, tokens, faults and calls are forgotten, and the clock is put right. Go on?',
  baseUrl: 'Base URL',
  users: 'Users',
  userName: 'Name',
  addUser: 'Add a user',
  noUsers: 'There is no user yet. Add one, or let a test ask for a code: POST /simulator/users/alice/code',
  calls: 'Calls of WeChat’s API',
  noCalls: 'No call yet. Give your server the base URL in the place of https://api.weixin.qq.com.',
  faults: 'Let the next call fail',
  fault: 'What happens',
  endpoint: 'Which call',
  anyCall: 'Any call',
  times: 'How often',
  addFault: 'Wait for the call',
  noFaults: 'No fault waits.',
  withdraw: 'Withdraw',
  clock: 'Clock',
  inStep: 'in step with this machine',
  ahead: 'ahead by',
  tokens: 'access_tokens that are good',
  noTokens: 'None. GET /cgi-bin/token gives one.',
  revokeTokens: 'End all tokens',
  until: 'until',
  snippets: 'A login from your server',
  snippetsAbout:
    'With what every language has. An SDK needs the base URL, the AppID and the AppSecret alone.',
  language: 'Language',
  freshCode: 'Fresh code',
  copy: 'Copy',
  copied: 'Copied',
  notCopied: 'The browser does not let this page copy.',
  noKey: 'none: never logged in, or ended',
  phone: 'Phone',
  login: 'wx.login → code',
  phoneNumber: 'Phone number',
  userInfo: 'User info',
  newKey: 'New session_key',
  endKey: 'End session_key',
  remove: 'Delete',
  query: 'Query',
  body: 'Body',
  answer: 'Answer',
  hang: 'no answer',
  lost: 'answer lost',
  resetCall: 'connection reset',
  gone: 'The simulator does not answer. It has ended, or is being started again; this page waits for it.',
  always: 'always',
  minutes: 'min',
  hours: 'h',
  days: 'd',
  f_errcode: 'WeChat refuses',
  f_status: 'a gateway’s page',
  f_delay: 'late by 5 s',
  f_hang: 'no answer ever; the code is used up',
  f_lost: 'the answer is lost; the code is used up',
  f_reset: 'connection cut, nothing done',
  f_truncated: 'half an answer',
  f_withoutOpenId: 'a success without openid',
  f_withoutSessionKey: 'a success without session_key',
}

/** @type {typeof EN} */
const ZH = {
  subtitle: '在本机运行的微信',
  other: 'English',
  otherLang: 'en',
  reset: '全部重置',
  resetSure: '将清空所有用户、code、access_token、故障和调用记录，并校正时钟。继续吗？',
  baseUrl: '接口地址',
  users: '用户',
  userName: '名字',
  addUser: '添加用户',
  noUsers: '还没有用户。添加一个，或在测试里获取 code：POST /simulator/users/alice/code',
  calls: '微信接口调用',
  noCalls: '还没有调用。把服务端的接口地址从 https://api.weixin.qq.com 换成上面的地址。',
  faults: '让下一次调用出错',
  fault: '出什么错',
  endpoint: '哪个接口',
  anyCall: '任意接口',
  times: '次数',
  addFault: '等待调用',
  noFaults: '没有等待中的故障。',
  withdraw: '撤销',
  clock: '时钟',
  inStep: '与本机一致',
  ahead: '比本机快',
  tokens: '有效的 access_token',
  noTokens: '没有。调用 GET /cgi-bin/token 即可获取。',
  revokeTokens: '全部作废',
  until: '有效至',
  snippets: '在服务端完成一次登录',
  snippetsAbout: '只用语言自带的能力。使用 SDK 时，只需配置接口地址、AppID 和 AppSecret。',
  language: '语言',
  freshCode: '换一个 code',
  copy: '复制',
  copied: '已复制',
  notCopied: '浏览器不允许本页复制。',
  noKey: '无：未登录过，或已作废',
  phone: '手机号',
  login: 'wx.login → code',
  phoneNumber: '获取手机号',
  userInfo: '用户信息',
  newKey: '更换 session_key',
  endKey: '作废 session_key',
  remove: '删除',
  query: '查询参数',
  body: '请求体',
  answer: '响应',
  hang: '无响应',
  lost: '响应丢失',
  resetCall: '连接被重置',
  gone: '模拟器没有响应：可能已退出，或正在重启。本页会等它回来。',
  always: '每次',
  minutes: '分钟',
  hours: '小时',
  days: '天',
  f_errcode: '微信拒绝',
  f_status: '网关返回错误页',
  f_delay: '延迟 5 秒',
  f_hang: '永不响应，code 已消耗',
  f_lost: '响应丢失，code 已消耗',
  f_reset: '连接中断，什么都没发生',
  f_truncated: '响应只有一半',
  f_withoutOpenId: '成功但缺少 openid',
  f_withoutSessionKey: '成功但缺少 session_key',
}

const WORDS = { en: EN, zh: ZH }
const REMEMBERED = 'weapp-simulator-lang'

/** @type {Lang} */
let lang = wanted()

/** @param {keyof typeof EN} name */
export function word(name) {
  return WORDS[lang][name]
}

export function currentLang() {
  return lang
}

/** Speaks the other language, also the next time. */
export function switchLang() {
  lang = lang === 'en' ? 'zh' : 'en'
  localStorage.setItem(REMEMBERED, lang)
}

/** Writes every text that stands in the page itself. */
export function writeWords() {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  for (const element of document.querySelectorAll('[data-word]')) {
    const name = /** @type {keyof typeof EN} */ (element.getAttribute('data-word'))
    element.textContent = word(name)
  }
}

/** @returns {Lang} */
function wanted() {
  const remembered = localStorage.getItem(REMEMBERED)
  if (remembered === 'en' || remembered === 'zh') return remembered
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}
