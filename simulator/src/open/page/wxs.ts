/**
 * What WXS has beside JavaScript: developers.weixin.qq.com/miniprogram/dev/reference/wxs/06datatype.html. It is there before
 * a template is loaded, whose scripts use it at once.
 */
Object.assign(globalThis, {
  getRegExp: (pattern: string, flags?: string) => new RegExp(pattern, flags),
  getDate: (...args: ConstructorParameters<typeof Date>) => new Date(...args),
  /** What `.constructor` of a value is: see wxml.ts. */
  getConstructor: (value: unknown) => (value === undefined || value === null ? undefined : nameOf(value)),
})

export {}

function nameOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}
