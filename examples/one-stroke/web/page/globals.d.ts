/** Made by server/bundle.ts of the files of the mini program. */
declare module 'one-stroke:miniprogram' {
  export const program: import('./weapp/runtime.js').Program
}
