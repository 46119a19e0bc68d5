import type { Answer } from './answer.js'
import type { Outgoing } from './call.js'
import { EXPIRED } from './refusal.js'
import type { Sender, WxOptions } from './requests.js'
import type { WxDownloadResponse, WxUploadResponse } from './wx.js'

/** An upload. Its answer has no header, but its task hears of the header before. */
export function uploadOf(sender: Sender, options: WxOptions): Outgoing<WxUploadResponse> {
  return { send: sender<WxUploadResponse>('uploadFile', options) }
}

/**
 * A download. Where its task does not hear of a header, its answer says no more than a status, and its file may be a
 * refusal. So its first 401 is taken for one.
 */
export function downloadOf(sender: Sender, options: WxOptions): Outgoing<WxDownloadResponse> {
  let mayGuess = true
  return { isSafe: true, send: sender<WxDownloadResponse>('downloadFile', options), read }

  function read(answer: Answer): Answer {
    if (!mayGuess || answer.header || answer.statusCode !== 401) return answer
    mayGuess = false
    return EXPIRED
  }
}
