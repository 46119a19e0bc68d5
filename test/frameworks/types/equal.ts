/** Whether two types are the same: `null`, `any` and what is optional count. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export function isTrue<_T extends true>(): void {}
