import type { Step } from '../protocol.js'
import type { Words } from './words.js'

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

const BY: Record<StepOf<'identify'>['by'], Words> = {
  login: ['这是一次登录', 'identified: a login'],
  session: ['凭证有效：认出了会话', 'identified: by the credential of a session'],
  platform: ['微信云托管说明了是谁', 'identified: by the word of 微信云托管'],
  nothing: ['没有凭证：不知道是谁', 'identified: nobody, there is no credential'],
}

/** What a request is called in the list, by how it was identified. */
export const SHORT_BY: Record<StepOf<'identify'>['by'], Words> = {
  login: ['登录', 'login'],
  session: ['会话', 'session'],
  platform: ['云托管', 'platform'],
  nothing: ['无凭证', 'no credential'],
}

/** What a step was, in a few words. */
export function wordsOf(step: Step): Words {
  switch (step.kind) {
    case 'identify':
      return BY[step.by]
    case 'store':
      return storeWords(step)
    case 'exchange':
      return exchangeWords(step)
    case 'login':
      return loginWords(step)
    case 'cache':
      return step.isHit
        ? ['内存里有这个会话，没有读存储', 'the session was in this process’s memory']
        : ['内存里没有，要读存储', 'the session was not in this process’s memory']
    case 'handlers':
      return ['应用自己的处理', 'the app’s own handlers']
    case 'note':
      return [step.text, step.text]
    case 'revoke':
      return ['revoke()：结束一个用户的全部会话', 'revoke(): all sessions of a user end']
    case 'breaker':
      return step.isOpen
        ? ['断路器打开：连续没有响应，先停一会儿', 'the breaker opens: too many calls without an answer']
        : ['断路器合上：恢复响应了', 'the breaker closes: answers again']
    case 'refusal': {
      const [zh, en] = REFUSALS[step.reason] ?? [step.message, step.message]
      return [`${step.status} ${step.reason}：${zh}`, `${step.status} ${step.reason}: ${en}`]
    }
  }
}

export function isBad(step: Step): boolean {
  if (step.kind === 'refusal') return true
  if (step.kind === 'exchange') return step.status !== undefined
  return step.kind === 'store' && step.outcome === 'failed'
}

function exchangeWords({ status, errcode }: StepOf<'exchange'>): Words {
  if (status === undefined)
    return [
      'code2Session：向微信换 openid 和 session_key',
      'code2Session: WeChat gives openid and session_key',
    ]
  return errcode === undefined
    ? [`code2Session：微信没有可用的响应（${status}）`, `code2Session: no usable answer (${status})`]
    : [`code2Session：微信返回错误码 ${errcode}`, `code2Session: WeChat says errcode ${errcode}`]
}

function loginWords({ isNew, proof }: StepOf<'login'>): Words {
  const [zh, en]: Words =
    proof === 'signature'
      ? ['rawData 的签名验过了', 'the signature of rawData fits']
      : proof === 'encryptedData'
        ? ['encryptedData 解开了', 'encryptedData was opened']
        : ['没有资料要验', 'no profile to check']
  return isNew
    ? [`登录成功：${zh}`, `logged in: ${en}`]
    : [`同一个 code 再次登录：${zh}，返回同一个会话`, `the same code again: ${en}, the same session`]
}

const OUTCOMES: Partial<Record<StepOf<'store'>['outcome'], Words>> = {
  session: ['会话在', 'the session is there'],
  ended: ['会话已经结束', 'the session has ended'],
  nothing: ['什么也没有', 'nothing is there'],
  claimed: ['另一个请求正在用这个 code 登录', 'another request logs in with this code'],
  used: ['这个 code 已经登录过', 'the code has its session already'],
  refused: ['微信拒绝过这个 code', 'WeChat has refused this code before'],
  granted: ['由这个请求去换 code', 'this request exchanges the code'],
  saved: ['已保存', 'saved'],
  conflict: ['被别的请求抢先改了', 'another request was first'],
  failed: ['没有响应', 'no answer'],
  done: ['完成', 'done'],
  'not done': ['没有生效', 'not done'],
  taken: ['正在换凭证', 'its credential is being changed'],
}

function storeWords({ call, outcome }: StepOf<'store'>): Words {
  const [zh, en] = OUTCOMES[outcome] ?? [outcome, outcome]
  return [`存储 ${call}：${zh}`, `store ${call}: ${en}`]
}

const REFUSALS: Record<StepOf<'refusal'>['reason'], Words> = {
  ERR_SESSION_EXPIRED: [
    '会话不存在、已过期或已退出，客户端应重新登录',
    'unknown, expired or logged out; the client should log in',
  ],
  ERR_LOGIN_REQUIRED: ['这里要求登录', 'this route is for users'],
  ERR_UNTRUSTED_RAW_DATA: ['资料与微信的签名对不上', 'the profile is not what WeChat signed'],
  ERR_SESSION_KEY_EXCHANGE_FAILED: ['换 code 没有成功', 'the code was not exchanged'],
  ERR_BAD_REQUEST: [
    '请求头格式不合法，或互相矛盾',
    'a header has an impossible shape, or contradicts another',
  ],
  ERR_STORE_UNAVAILABLE: [
    '存储没有响应，保留凭证，稍后重试',
    'the store did not answer: keep the session, retry',
  ],
  ERR_SESSION_CONFLICT: ['会话同时被另一个请求改了', 'another request changed the session first'],
}
