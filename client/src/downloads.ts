import type { Answer } from './answer.js'
import type { Answers, Outgoing, Target } from './call.js'
import { EXPIRED } from './refusal.js'
import type { WxDownloadResponse } from './wx.js'

/**
 * A download. Where its task does not hear of a header, its answer says no more than a status, and its file may be a
 * refusal. So its first 401 is asked about.
 */
export function downloadOf(
  { auth, href }: Target,
  { findOut }: Answers,
): Pick<Outgoing<WxDownloadResponse>, 'read'> {
  let mayAsk = true
  return {
    async read(answer: Answer): Promise<Answer> {
      if (!mayAsk || answer.header || answer.statusCode !== 401) return answer
      mayAsk = false
      return (await findOut(auth, href)) ? answer : EXPIRED
    },
  }
}
