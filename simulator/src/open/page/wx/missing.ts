import type { Notices } from '../notices.js'
import { type Callbacks, settle } from './callbacks.js'

/**
 * What apps call often, and is not simulated here: such a call fails, and the page says so. Everything else that is not
 * there is missing, as in an older WeChat: `wx.canIUse()` and `if (wx.name)` find that out.
 */
const MISSING = [
  'addCard',
  'authorize',
  'chooseAddress',
  'chooseImage',
  'chooseLocation',
  'chooseMedia',
  'chooseMessageFile',
  'createBLEConnection',
  'downloadFile',
  'getFileInfo',
  'getImageInfo',
  'getLocation',
  'getSetting',
  'getWeRunData',
  'makePhoneCall',
  'navigateToMiniProgram',
  'openDocument',
  'openLocation',
  'openSetting',
  'previewImage',
  'requestPayment',
  'requestSubscribeMessage',
  'saveFile',
  'saveImageToPhotosAlbum',
  'scanCode',
  'shareAppMessage',
  'startLocationUpdate',
  'uploadFile',
]

export function createMissing(notices: Notices): Record<string, unknown> {
  return {
    ...Object.fromEntries(
      MISSING.map((api) => [
        api,
        (callbacks: Callbacks = {}) => {
          notices.tell(`wx.${api} is not simulated here: it fails.`)
          return settle(api, callbacks, () => Promise.reject(new Error('is not simulated')))
        },
      ]),
    ),
    connectSocket() {
      notices.tell('wx.connectSocket is not simulated here.')
      throw new Error('connectSocket:fail is not simulated')
    },
  }
}
