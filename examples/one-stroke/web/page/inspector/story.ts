import type { RequestEntry } from 'koa-weapp-session/inspector'
import type { Experiment } from '../../protocol.js'
import type { Words } from './words.js'

/** What a user can do here: what the server does for it, what the inspector does, and what only the page can. */
export type Trial = Experiment | 'revoke' | 'store' | 'wechat' | 'use' | 'restart' | 'burst'

/** What happened, counted. */
interface Tally {
  requests: RequestEntry[]
  logins: number
  exchanges: number
  reads: number
  reasons: string[]
  statuses: number[]
  errcode: number | undefined
  isOn: boolean
}

/** What is known of a trial when it is over. */
export interface Outcome {
  /** The phone's requests since it began. */
  requests: RequestEntry[]
  /** Of a switch: where it is now. */
  isOn: boolean
  /** What WeChat said, where it was asked by hand. */
  errcode: number | undefined
}

/** What came of a trial, in plain words. */
export function tell(trial: Trial, outcome: Outcome): Words {
  const tally = tallyOf(outcome)
  return spoilt(trial, tally) ?? STORIES[trial](tally)
}

/** Trials with an expected end: the reason of the last refusal, or none. */
const EXPECTED: Partial<Record<Trial, string | undefined>> = {
  use: undefined,
  burst: undefined,
  reuse: undefined,
  tamper: 'ERR_UNTRUSTED_RAW_DATA',
  forge: 'ERR_SESSION_EXPIRED',
}

/** What is to be said where something else, which is down, got in the way. */
function spoilt(trial: Trial, { requests, reasons, statuses, isOn }: Tally): Words | undefined {
  if (requests.length === 0 && !(trial === 'network' && isOn)) {
    return [
      '没有请求到达服务器：手机没有网络，或者客户端在等一会儿再登录。',
      'No request reached the server: the phone is offline, or the client waits before it logs in again.',
    ]
  }
  if (!(trial in EXPECTED) || reasons.at(-1) === EXPECTED[trial]) return undefined
  return [
    `这次没走到那一步：${statuses.at(-1)} ${reasons.at(-1)}。先把停掉的恢复，再试一次。`,
    `Something else failed first: ${statuses.at(-1)} ${reasons.at(-1)}. Switch on again what is down, and try once more.`,
  ]
}

function tallyOf({ requests, isOn, errcode }: Outcome): Tally {
  const steps = requests.flatMap((request) => request.steps)
  const count = (kind: string) => steps.filter((step) => step.kind === kind).length
  return {
    ...{ requests, isOn, errcode },
    logins: requests.filter(isLogin).length,
    exchanges: count('exchange'),
    reads: count('store'),
    reasons: steps.flatMap((step) => (step.kind === 'refusal' ? step.reason : [])),
    statuses: requests.map(({ response }) => response?.status ?? 0),
  }
}

/** What claims to be one, whatever came of it. */
function isLogin({ headers }: RequestEntry): boolean {
  return headers.some(({ meaning }) => meaning === 'login' || meaning === 'rawData')
}

const STORIES: Record<Trial, (tally: Tally) => Words> = {
  expire: (tally) => again(tally, ['会话到期了', 'The session had expired']),
  revoke: (tally) =>
    again(tally, ['这个用户的会话在别处全部退出了', 'Every session of this user was ended elsewhere']),

  use: ({ requests, reads, exchanges }) => [
    `一个已登录的请求：读了 ${reads} 次存储，问了微信 ${exchanges} 次，一共 ${msOf(requests)} ms。`,
    `A request of somebody who is logged in: ${reads} read of the store, ${exchanges} calls of WeChat, ${msOf(requests)} ms in all.`,
  ],

  restart: ({ logins, requests }) =>
    logins === 0
      ? [
          `小程序被杀掉，又打开了。会话存在手机里，${requests.length} 个请求直接通过，没有重新登录。`,
          `The app was killed and started again. Its session was in the phone’s storage: ${requests.length} request(s), no login.`,
        ]
      : [
          '小程序被杀掉，又打开了。原来的会话已经没有了，所以登录了一次。',
          'The app was killed and started again. Its old session was gone, so it logged in once.',
        ],

  tamper: ({ statuses, reasons }) => [
    `rawData 里的昵称改成了「管理员」，签名就对不上了：${statuses.at(-1)} ${reasons.at(-1)}。没有会话，原样重试也没有用。`,
    `The name in rawData was changed to 管理员, and the signature no longer fits: ${statuses.at(-1)} ${reasons.at(-1)}. There is no session, and the same data once more is no use.`,
  ],

  reuse: ({ exchanges, errcode }) => [
    `同一个 code 登录了两次（比如第一次的响应丢了）：只换了 ${exchanges} 次，两次得到同一个会话。直接问微信，它会返回错误码 ${errcode}（code 已用过）。`,
    `The same code logged in twice, because an answer was lost, say: ${exchanges} exchange, and the same session both times. WeChat itself says ${errcode} (code been used).`,
  ],

  forge: ({ statuses, reasons, reads, exchanges }) => [
    `凭证的第一个字符被改了：${statuses.at(-1)} ${reasons.at(-1)}。${reads === 0 ? '服务器自己的签名对不上，存储一次也没读' : `存储里没有它（读了 ${reads} 次），也不会拿它去问微信（${exchanges} 次）`}：编造的凭证换不来任何东西。`,
    `The first character of the credential was changed: ${statuses.at(-1)} ${reasons.at(-1)}. ${reads === 0 ? 'It is not what this server signed, so the store was not even read' : `The store has no such session (${reads} read), and WeChat was not asked (${exchanges} exchanges)`}: what is made up gets nobody anywhere.`,
  ],

  wechat: ({ isOn, statuses, exchanges }) =>
    isOn
      ? [
          `微信服务器停了。已登录的不受影响（刚才的请求：${statuses.join('、')}，换 code ${exchanges} 次）；只有新的登录会失败。接着试试「会话到期」。`,
          `WeChat is down. Who is logged in does not notice (the request just now: ${statuses.join(', ')}, ${exchanges} exchanges); only logins fail. Now try “Session expires”.`,
        ]
      : ['微信服务器恢复了。', 'WeChat is up again.'],

  store: ({ isOn, requests, statuses, logins }) =>
    isOn
      ? [
          `会话存储停了：${statuses.at(-1)}，带 Retry-After。客户端带着原来的凭证试了 ${requests.length} 次，登录 ${logins} 次：谁也没有被登出。画会留在手机里。`,
          `The session store is down: ${statuses.at(-1)}, with Retry-After. The client tried ${requests.length} times with the session that it has, and logged in ${logins} times: nobody is logged out. Drawings wait on the phone.`,
        ]
      : ['会话存储恢复了：同一个会话接着用。', 'The session store is up again: the same session goes on.'],

  network: ({ isOn, requests }) =>
    isOn
      ? [
          `手机没有网络了：服务器收到 ${requests.length} 个请求。现在画的画存在手机里，标着「待保存」。`,
          `The phone has no network: ${requests.length} requests reached the server. What is drawn now stays on the phone, marked 待保存 (to be saved).`,
        ]
      : [
          `手机又有网络了，等着的画自动保存：${requests.length} 个请求。`,
          `The phone has a network again, and what waited is saved by itself: ${requests.length} requests.`,
        ],

  carrier: ({ reasons, logins, requests }) => [
    `服务器换了一种凭证：手机手里的那个不算了（${reasons[0]}），它登录 ${logins} 次，从响应里知道以后带什么，${requests.length} 个请求之后一切照旧。客户端没有任何设置要改。`,
    `The server has another kind of credential now: the one of the phone no longer counts (${reasons[0]}), so it logged in, ${logins} time, and learned from the answer what to send from now on. ${requests.length} requests, and no setting of the client.`,
  ],

  burst: ({ requests, logins, exchanges, statuses }) => [
    `小程序忘掉会话，同时发出 20 个请求：${logins} 次登录，换 code ${exchanges} 次，共 ${requests.length} 个请求，成功 ${successes(statuses)} 个。一个请求去登录，其余的等它。`,
    `The app forgot its session and started 20 calls at once: ${logins} login, ${exchanges} exchange, ${requests.length} requests, ${successes(statuses)} of them successful. One call logs in, and the others wait for it.`,
  ],
}

/** The session was over, and the client did something about it. */
function again({ requests, logins, exchanges, reasons, statuses }: Tally, [zh, en]: Words): Words {
  const refused = reasons[0]
  if (refused === undefined) return [`${zh}。下一个请求会看到。`, `${en}. The next request will see it.`]
  const isFine = statuses.at(-1) === 200
  return isFine
    ? [
        `${zh}：服务器返回 ${refused}，客户端自己重新登录（${logins} 次登录，换 code ${exchanges} 次），再把请求发一遍，成功。一共 ${requests.length} 个请求，用户什么也没察觉。`,
        `${en}: the server said ${refused}, and the client logged in by itself (${logins} login, ${exchanges} exchange) and sent the request once more. ${requests.length} requests in all, and the user has noticed nothing.`,
      ]
    : [
        `${zh}：服务器返回 ${refused}。重新登录没有成功（${reasons.at(-1)}），客户端等一会儿再重试。画都还在手机里。`,
        `${en}: the server said ${refused}. Logging in again did not work (${reasons.at(-1)}), so the client backs off. No drawing is lost: they are on the phone.`,
      ]
}

function msOf(requests: RequestEntry[]): string {
  return requests.reduce((sum, { response }) => sum + (response?.ms ?? 0), 0).toFixed(1)
}

function successes(statuses: number[]): number {
  return statuses.filter((status) => status === 200).length
}
