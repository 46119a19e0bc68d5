export { type Asset, type BundleOptions, bundleMiniProgram, type MiniProgramBundle } from './bundle.js'
export { OpenError, type OpenErrorCode } from './errors.js'
export { createPhoneLines, type PhoneLines, type PhoneLinesOptions } from './lines.js'
export { type OpenedMiniProgram, type OpenOptions, openMiniProgram } from './open.js'
