import type { Situation as Inspected } from 'koa-weapp-session/inspector'
import type { Situation, User } from '../../protocol.js'
import { el } from './dom.js'
import type { Trial } from './story.js'
import { say, type Words } from './words.js'

/** How things stand, by the word of the demo and of the inspector. */
export interface Known extends Situation {
  faults: Inspected['faults']
}

interface Described {
  trial: Trial
  title: Words
  /** What it does, in one line. */
  line: Words
  /** A switch: what it is now. */
  isOn?(situation: Known, user: User): boolean
}

const TRIALS: Described[] = [
  {
    trial: 'burst',
    title: ['同时发 20 个请求', '20 requests at once'],
    line: ['还没登录就一起出发：会登录几次？', 'Before there is a session: how many logins?'],
  },
  {
    trial: 'use',
    title: ['普通的一个请求', 'Ordinary request'],
    line: ['已经登录：要花多少？', 'What does it cost?'],
  },
  {
    trial: 'restart',
    title: ['杀掉小程序再打开', 'App restart'],
    line: ['会话还在吗？', 'Is its session gone?'],
  },
  {
    trial: 'expire',
    title: ['会话到期', 'Session expires'],
    line: ['像是过了两个小时', 'Two hours later'],
  },
  {
    trial: 'revoke',
    title: ['在别处退出', 'Logout elsewhere'],
    line: ['这个用户的所有设备', 'On all devices'],
  },
  {
    trial: 'tamper',
    title: ['篡改 rawData', 'Tampered rawData'],
    line: ['昵称改成「管理员」', 'Another nickname'],
  },
  {
    trial: 'forge',
    title: ['伪造凭证', 'Forged credential'],
    line: ['改掉一个字符', 'One letter changed'],
  },
  {
    trial: 'reuse',
    title: ['重复用一个 code', 'Reused code'],
    line: ['微信只认一次', 'WeChat takes it once'],
  },
  {
    trial: 'network',
    title: ['断开手机网络', 'Phone offline'],
    line: ['离线画一幅，再连上', 'Draw, reconnect'],
    isOn: ({ phones }, user) => phones[user].isOffline,
  },
  {
    trial: 'store',
    title: ['停掉会话存储', 'Store down'],
    line: ['用户会被登出吗？', 'All logged out?'],
    isOn: ({ faults }) => faults.store !== 'none',
  },
  {
    trial: 'wechat',
    title: ['停掉微信服务器', 'WeChat down'],
    line: ['谁会受影响？', 'Who notices?'],
    isOn: ({ faults }) => faults.wechat !== 'none',
  },
  {
    trial: 'carrier',
    title: ['换一种凭证', 'Another carrier'],
    line: ['会话靠什么认：签名的 id，还是登录的 code？', 'What a session goes by: a signed id, or its code?'],
  },
]

/** The buttons. */
export interface Buttons {
  show(known: Known | undefined, user: User): void
  isOn(trial: Trial, known: Known | undefined, user: User): boolean
  setBusy(isBusy: boolean): void
}

export function createButtons(place: HTMLElement, onPress: (trial: Trial) => void): Buttons {
  const buttons = TRIALS.map(({ trial }) => {
    const button = el('button', 'experiment')
    button.type = 'button'
    button.dataset.trial = trial
    button.addEventListener('click', () => {
      if (button.ariaDisabled !== 'true') onPress(trial)
    })
    return button
  })
  place.append(...buttons)

  return {
    show(known, user) {
      TRIALS.forEach(({ title, line, isOn }, i) => {
        const button = buttons[i] as HTMLButtonElement
        button.replaceChildren(el('b', '', say(title)), el('span', 'experiment-line', say(line)))
        if (isOn) button.ariaPressed = String(known !== undefined && isOn(known, user))
      })
    },
    isOn: (wanted, known, user) =>
      known !== undefined && TRIALS.find(({ trial }) => trial === wanted)?.isOn?.(known, user) === true,
    setBusy(isBusy) {
      // Not `disabled`: the keyboard would be nowhere afterwards.
      for (const button of buttons) button.ariaDisabled = String(isBusy)
    },
  }
}
