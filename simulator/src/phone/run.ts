import { type App, createApp } from './app.js'
import { type CloudSituation, cloudApis } from './cloud.js'
import { deviceApis, type PhoneSystem } from './device.js'
import { globalSocketApis } from './global-socket.js'
import { createListeners, type Listeners } from './listeners.js'
import type { Mishaps } from './mishaps.js'
import type { Sender } from './outgoing.js'
import { type PrefetchStore, prefetchApis } from './prefetch.js'
import type { AppShow, NetworkStatus, Wx } from './wx.js'
import { fileApis } from './wx-files.js'
import { type LoginSituation, loginApis } from './wx-login.js'
import { requestApis } from './wx-request.js'
import { socketApis } from './wx-socket.js'
import { randomApis, storageApis } from './wx-storage.js'
import { type UserSituation, userApis } from './wx-user.js'

/** A started app, its `wx`, and who listens to its coming and going. */
export interface Run {
  app: App
  wx: Wx
  show: Listeners<AppShow>
  hide: Listeners<undefined>
  networkStatus: Listeners<NetworkStatus>
}

/** What a run finds on its phone. */
export interface RunSituation extends Omit<LoginSituation, 'app'>, Omit<UserSituation, 'app'> {
  mishaps: Mishaps
  sender: Sender
  storage: Map<string, string>
  files: Map<string, Buffer>
  gateway: CloudSituation['gateway']
  environment: CloudSituation['environment']
  system: PhoneSystem
  baseLibrary: string
  launch: AppShow
  prefetched: PrefetchStore
  /** What the app, or its test, adds to every `wx`. */
  members: object
}

/** Starts the app: puts its `wx` together. */
export function startRun(phone: RunSituation): Run {
  const { clock, mishaps, sender, storage } = phone
  const { appId, envVersion } = sender
  const app = createApp({ clock, mishaps })
  const show = createListeners<AppShow>()
  const hide = createListeners<undefined>()
  const networkStatus = createListeners<NetworkStatus>()
  const version = envVersion === 'release' ? '1.0.0' : ''

  const random = randomApis(app)
  const { connectSocket } = socketApis({ ...phone, app })

  const wx: Wx = {
    ...loginApis({ ...phone, app }),
    ...userApis({ ...phone, app }, random.getRandomValues),
    ...deviceApis(app, phone),
    ...prefetchApis(app, phone.prefetched),
    ...requestApis({ ...phone, app }),
    ...cloudApis({ ...phone, app }),
    ...fileApis({ ...phone, app }),
    ...globalSocketApis(app, connectSocket),
    ...storageApis(app, storage),
    ...random,
    getAccountInfoSync: () => ({ miniProgram: { appId, envVersion, version } }),
    onNetworkStatusChange: networkStatus.on,
    offNetworkStatusChange: networkStatus.off,
    onAppShow: show.on,
    offAppShow: show.off,
    // Typed without an argument, as in WeChat.
    onAppHide: (listener) => hide.on(listener),
    offAppHide: (listener) => hide.off(listener),
    ...phone.members,
  }
  return { app, wx, show, hide, networkStatus }
}
