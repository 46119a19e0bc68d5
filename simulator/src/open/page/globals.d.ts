/** Made by bundle.ts of the files of the mini program. */
declare module 'weapp:program' {
  export const program: import('./program.js').Program
}
