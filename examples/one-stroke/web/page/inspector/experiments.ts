import type { Situation, User } from '../../protocol.js'
import { el } from './dom.js'
import type { Trial } from './story.js'
import { say, type Words } from './words.js'

interface Described {
  trial: Trial
  title: Words
  /** What it does, in one line. */
  line: Words
  /** A switch: what it is now. */
  isOn?(situation: Situation, user: User): boolean
}

const TRIALS: Described[] = [
  { trial: 'burst', title: ['同时发 20 个请求', '20 requests at once'], line: ['还没登录就一起出发：会登录几次？', 'All before there is a session: how many logins?'] },
  { trial: 'expire', title: ['会话到期', 'The session expires'], line: ['像是过了两个小时', 'As if two hours had passed'] },
  { trial: 'revoke', title: ['在别处退出', 'Log out elsewhere'], line: ['服务器 revoke(openId)：所有设备', 'The server revokes it, on all devices'] },
  { trial: 'restart', title: ['杀掉小程序再打开', 'Kill and restart the app'], line: ['没有存进服务器的画呢？会话呢？', 'What of the session, and of unsaved drawings?'] },
  { trial: 'tamper', title: ['篡改 rawData', 'Tamper with rawData'], line: ['登录时把昵称改成「管理员」', 'Log in with another name than WeChat signed'] },
  { trial: 'reuse', title: ['重复用一个 code', 'Use a code twice'], line: ['微信只认一次，服务器呢？', 'WeChat takes it once. And the server?'] },
  { trial: 'forge', title: ['伪造凭证', 'Forge a credential'], line: ['把会话凭证改一个字符', 'Change one character of the session'] },
  { trial: 'network', title: ['断开手机网络', 'Take the phone offline'], line: ['离线画一幅，再连上', 'Draw offline, then reconnect'], isOn: ({ phones }, user) => phones[user].isOffline },
  { trial: 'store', title: ['停掉会话存储', 'Take the store down'], line: ['Redis 挂了，用户会被登出吗？', 'Redis is gone: is everybody logged out?'], isOn: ({ isStoreDown }) => isStoreDown },
  { trial: 'wechat', title: ['停掉微信服务器', 'Take WeChat down'], line: ['谁会受影响？', 'Who notices?'], isOn: ({ isWechatDown }) => isWechatDown },
]

/** The buttons. */
export interface Buttons {
  show(situation: Situation | undefined, user: User): void
  setBusy(isBusy: boolean): void
}

export function createButtons(place: HTMLElement, onPress: (trial: Trial) => void): Buttons {
  const buttons = TRIALS.map(({ trial }) => {
    const button = el('button', 'experiment')
    button.type = 'button'
    button.dataset.trial = trial
    button.addEventListener('click', () => onPress(trial))
    return button
  })
  place.append(...buttons)

  return {
    show(situation, user) {
      TRIALS.forEach(({ title, line, isOn }, i) => {
        const button = buttons[i] as HTMLButtonElement
        button.replaceChildren(el('b', '', say(title)), el('span', '', say(line)))
        if (isOn) button.ariaPressed = String(situation !== undefined && isOn(situation, user))
      })
    },
    setBusy(isBusy) {
      for (const button of buttons) button.disabled = isBusy
    },
  }
}
