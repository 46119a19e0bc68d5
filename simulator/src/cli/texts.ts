import type { Lang, OptionFault, OptionName } from './options.js'

/** What is printed when the simulator has started. */
export interface Started {
  version: string
  baseUrl: string
  appId: string
  appSecret: string
  /** A code of alice's. */
  code: string
  state: string | undefined
  strict: boolean
  tourist: boolean
  certificate: string | undefined
  /** Where the mini program of `--open` is. */
  miniProgram: string | undefined
}

/** All that the command says, in one language. */
export interface Texts {
  usage: string
  /** What each option does. */
  options: Readonly<Record<OptionName, string>>
  fault(fault: OptionFault): string
  help: string
  portTaken(asked: number, used: number): string
  noPort(asked: number): string
  notAllowed(port: number): string
  noOpenssl: string
  opensslFailed(why: string): string
  production: string
  stopped: string
  started(started: Started): string
}

export const TEXTS: Readonly<Record<Lang, Texts>> = {
  en: {
    usage:
      'Usage: npx weapp-simulator [options]\n\nA WeChat on this machine: its servers, a page, and an API for tests.',
    options: {
      port: 'The port, on 127.0.0.1 alone; when it is taken, the next free one. Default 4000',
      'app-id': 'The AppID. Default: from the state file, else made up',
      'app-secret': 'The AppSecret. Default: the same',
      'union-ids': 'Users have unionids, as with an Open Platform account',
      state: 'Users, codes, session_keys and tokens survive a restart in this file',
      open: 'A mini program’s folder: it runs in a browser, on phones of this WeChat',
      strict: 'WeChat’s quotas and limits are kept',
      tourist: 'The mock code of DevTools without an AppID is let in',
      tls: 'HTTPS too, on the same port, as api.weixin.qq.com; needs openssl once',
      'tls-folder': 'Where the certificate is kept. Default ~/.weapp-simulator',
      lang: 'The language of these texts. Default: that of the shell',
      help: 'This',
      version: 'The version',
    },
    fault(fault) {
      switch (fault.kind) {
        case 'unknown':
          return `There is no option ${fault.option}.${fault.meant ? ` Do you mean ${fault.meant}?` : ''}`
        case 'argument':
          return `"${fault.argument}" is no option: options begin with --.`
        case 'needsValue':
          return `${fault.option} needs a value.`
        case 'takesNoValue':
          return `${fault.option} takes no value.`
        case 'notAPort':
          return `--port is a number from 0 to 65535, not "${fault.value}".`
        case 'notALang':
          return `--lang is zh or en, not "${fault.value}".`
      }
    },
    help: 'npx weapp-simulator --help lists the options.',
    portTaken: (asked, used) => `Port ${asked} is taken; this is ${used}.`,
    noPort: (asked) => `Port ${asked} and the ones after it are taken: choose another with --port.`,
    notAllowed: (port) => `Port ${port} is not for everybody: use sudo, or a port from 1024.`,
    noOpenssl: '--tls needs the program openssl to make a certificate, and there is none here: install it.',
    opensslFailed: (why) => `openssl could not make the certificate: ${why}`,
    production: 'It lets anybody log in as anybody, so it does not run with NODE_ENV=production.',
    stopped: 'The simulator has ended.',
    started: (started) => `weapp-simulator ${started.version}: a WeChat on this machine

  Page       ${started.baseUrl}/
  Base URL   ${started.baseUrl}   in the place of https://api.weixin.qq.com
  AppID      ${started.appId}
  AppSecret  ${started.appSecret}
${modes(started, { miniProgram: 'Mini app   ', state: 'State      ', strict: 'Strict     quotas and limits are kept', tourist: 'Tourist    DevTools’ mock code is let in' })}
A login, as your server does it; the code is alice’s, and good for five minutes:
  ${exchange(started)}
The next code, as wx.login() gives it:
  curl -X POST ${started.baseUrl}/simulator/users/alice/code
With an SDK: give it the base URL, the AppID and the AppSecret.
All that a test can ask for: ${started.baseUrl}/simulator
${
  started.certificate === undefined
    ? ''
    : `
HTTPS on the same port, with a certificate that your programs have to trust:
  NODE_EXTRA_CA_CERTS=${started.certificate} node server.js
  curl --cacert ${started.certificate} ${started.baseUrl.replace('http://127.0.0.1', 'https://localhost')}/simulator
As WeChat itself: use --port 443, and put this line into /etc/hosts (take it out afterwards):
  127.0.0.1 api.weixin.qq.com
`
}
Ctrl+C ends it.`,
  },
  zh: {
    usage:
      '用法：npx weapp-simulator [选项]\n\n在本机运行的微信：服务端接口、一个页面，以及供测试使用的接口。',
    options: {
      port: '监听的端口，只在 127.0.0.1 上；被占用时用下一个空闲端口。默认 4000',
      'app-id': 'AppID。默认取自状态文件，没有则随机生成',
      'app-secret': 'AppSecret。默认同上',
      'union-ids': '用户带 unionid，如同绑定了开放平台帐号',
      state: '用户、code、session_key 和 access_token 保存在这个文件里，重启后仍在',
      open: '小程序的目录（含 app.json）：在浏览器里运行，手机属于这个模拟的微信',
      strict: '遵守微信的各项频率限制和调用额度',
      tourist: '接受开发者工具游客模式的模拟 code',
      tls: '同一端口同时提供 HTTPS，可充当 api.weixin.qq.com；首次需要 openssl',
      'tls-folder': '证书所在的目录。默认 ~/.weapp-simulator',
      lang: '这些文字的语言。默认与终端一致',
      help: '显示本说明',
      version: '显示版本号',
    },
    fault(fault) {
      switch (fault.kind) {
        case 'unknown':
          return `没有 ${fault.option} 这个选项。${fault.meant ? `是不是 ${fault.meant}？` : ''}`
        case 'argument':
          return `“${fault.argument}”不是选项：选项以 -- 开头。`
        case 'needsValue':
          return `${fault.option} 需要一个值。`
        case 'takesNoValue':
          return `${fault.option} 不带值。`
        case 'notAPort':
          return `--port 应为 0 到 65535 的数字，而不是“${fault.value}”。`
        case 'notALang':
          return `--lang 应为 zh 或 en，而不是“${fault.value}”。`
      }
    },
    help: '选项说明见 npx weapp-simulator --help。',
    portTaken: (asked, used) => `端口 ${asked} 已被占用，改用 ${used}。`,
    noPort: (asked) => `端口 ${asked} 及其后的端口都被占用：请用 --port 另选一个。`,
    notAllowed: (port) => `端口 ${port} 需要权限：请使用 sudo，或选择 1024 以上的端口。`,
    noOpenssl: '--tls 需要用 openssl 生成证书，而本机没有：请先安装。',
    opensslFailed: (why) => `openssl 生成证书失败：${why}`,
    production: '在它这里任何人都可以用任何身份登录，所以 NODE_ENV=production 时拒绝运行。',
    stopped: '模拟器已退出。',
    started: (started) => `weapp-simulator ${started.version}：在本机运行的微信

  页面       ${started.baseUrl}/
  接口地址   ${started.baseUrl}   用它代替 https://api.weixin.qq.com
  AppID      ${started.appId}
  AppSecret  ${started.appSecret}
${modes(started, { miniProgram: '小程序     ', state: '状态文件   ', strict: '严格模式   遵守频率限制和调用额度', tourist: '游客模式   接受开发者工具的模拟 code' })}
登录一次，就像你的服务端那样；这个 code 属于 alice，五分钟内有效：
  ${exchange(started)}
下一个 code，相当于 wx.login()：
  curl -X POST ${started.baseUrl}/simulator/users/alice/code
使用 SDK 时：把接口地址、AppID 和 AppSecret 配置给它。
测试中可用的全部接口：${started.baseUrl}/simulator
${
  started.certificate === undefined
    ? ''
    : `
同一端口也提供 HTTPS，你的程序需要信任这张证书：
  NODE_EXTRA_CA_CERTS=${started.certificate} node server.js
  curl --cacert ${started.certificate} ${started.baseUrl.replace('http://127.0.0.1', 'https://localhost')}/simulator
要完全充当微信：加上 --port 443，并在 /etc/hosts 里写入下面这一行（用完请删掉）：
  127.0.0.1 api.weixin.qq.com
`
}
按 Ctrl+C 结束。`,
  },
}

/** The line that a shell takes as it is printed. */
function exchange({ baseUrl, appId, appSecret, code }: Started): string {
  const query = new URLSearchParams({
    appid: appId,
    secret: appSecret,
    js_code: code,
    grant_type: 'authorization_code',
  })
  return `curl '${baseUrl}/sns/jscode2session?${query}'`
}

/** A line for each thing that is not as it usually is; what stands before the state file is as wide as in the lines above. */
function modes(
  { miniProgram, state, strict, tourist }: Started,
  words: { miniProgram: string; state: string; strict: string; tourist: string },
): string {
  const lines = [
    ...(miniProgram === undefined ? [] : [`${words.miniProgram}${miniProgram}`]),
    ...(state === undefined ? [] : [`${words.state}${state}`]),
    ...(strict ? [words.strict] : []),
    ...(tourist ? [words.tourist] : []),
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}
