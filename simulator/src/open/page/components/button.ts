import { pickAvatar } from '../avatars.js'
import { ask } from '../ui.js'
import type { Builtin, Host, Surroundings } from './define.js'
import { resetForm, submitForm } from './form.js'

type Open = (host: Host, surroundings: Surroundings) => void | Promise<void>

/** What buttons of an `open-type` do. Those that are not here say that they are not simulated. */
const OPEN_TYPES: Record<string, Open> = {
  chooseAvatar: ({ tell }) => tell('chooseavatar', { avatarUrl: pickAvatar() }),

  async getPhoneNumber({ tell }, { line }) {
    const choices = [
      { text: '不允许', value: '' },
      { text: '允许', value: 'allow' },
    ]
    const answer = await ask('微信授权', '申请获取并验证你的手机号', choices)
    if (answer !== 'allow') return tell('getphonenumber', { errMsg: 'getPhoneNumber:fail user deny' })
    line.call('phoneNumber', {
      success: (result) => tell('getphonenumber', { errMsg: 'getPhoneNumber:ok', ...result }),
      fail: () => tell('getphonenumber', { errMsg: 'getPhoneNumber:fail' }),
    })
  },

  getUserInfo({ tell }, { line }) {
    line.call('getUserInfo', {
      success: (result) => tell('getuserinfo', result),
      fail: (error) => tell('getuserinfo', error),
    })
  },
}

export const BUTTON: Builtin = {
  tag: 'button',
  properties: {
    size: String,
    type: String,
    plain: Boolean,
    disabled: Boolean,
    loading: Boolean,
    formType: String,
    openType: String,
    lang: String,
    sessionFrom: String,
  },
  create(host, surroundings) {
    const button = host.element as HTMLButtonElement
    button.type = 'button'
    button.addEventListener('click', () => {
      const openType = String(host.get('openType') ?? '')
      const open = OPEN_TYPES[openType]
      if (open) void open(host, surroundings)
      else if (openType) surroundings.notices.tell(`<button open-type="${openType}"> is not simulated.`)
      const formType = host.get('formType')
      if (formType === 'submit') submitForm(button, host)
      if (formType === 'reset') resetForm(button)
    })
    return {
      type: (value: string) => styleAs(button, 'type', value),
      size: (value: string) => styleAs(button, 'size', value),
      disabled: (value: boolean) => {
        button.disabled = value
      },
      loading: (value: boolean) => button.setAttribute('aria-busy', String(value)),
    }
  },
}

function styleAs(button: HTMLElement, kind: string, value: string): void {
  for (const name of [...button.classList]) if (name.startsWith(`wx-${kind}-`)) button.classList.remove(name)
  if (value) button.classList.add(`wx-${kind}-${value}`)
}
