/** An rpx is a 750th of the width of the screen. */
export function withoutRpx(css: string): string {
  return css.replace(/(-?(?:\d*\.)?\d+)rpx\b/gi, 'calc($1 * 100vw / 750)')
}
