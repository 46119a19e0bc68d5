/** What every call reports when it fails. Decide by `errno` where there is one; the texts differ between systems. */
export interface WxFailure {
  errMsg: string
  /**
   * Always there when the network is at fault, and where WeChat's is known:
   * developers.weixin.qq.com/miniprogram/dev/framework/usability/PublicErrno.html
   */
  errno?: number
  /** Instead of errno, where WeChat's gateway or 云托管 refused the call. */
  errCode?: number
  /** With the errCode of the gateway. */
  message?: string
}

/** What every call reports when it succeeds. */
export interface WxSuccess {
  errMsg: string
}

/** The callbacks of a call: exactly one of `success` and `fail`, then `complete`, never before it returns. */
export interface Callbacks<Result = WxSuccess> {
  success?: ((result: Result) => void) | undefined
  fail?: ((failure: WxFailure) => void) | undefined
  complete?: ((outcome: Result | WxFailure) => void) | undefined
}
