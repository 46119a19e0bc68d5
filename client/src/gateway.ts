/*
 * What WeChat's own gateway says in `fail` before anything has reached the server
 * (developers.weixin.qq.com, 微信网关: 错误码).
 */

/** Too often (102003), or too much for its plan (102020, 102021): the same may be asked again, later. */
export function isBusy({ errCode }: { errCode?: number | undefined }): boolean {
  return /^1020(03|2[01])$/.test(`${errCode}`)
}

/** Not at all: an illegal request (102006), or a URL that is not in its list (102016, 102022). */
export function isForbidden({ errCode }: { errCode?: number | undefined }): boolean {
  return /^1020(06|16|22)$/.test(`${errCode}`)
}
