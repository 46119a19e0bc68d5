/** The declarations that the build puts together say what the source says: compiled, never run. */
import built = require('weapp-session-client')

import type * as source from '../../../client/src/index.js'

export const values: typeof source = built
export const main: typeof source.default = built
export const types: (value: source.Session) => built.Session = (value) => value
export const sameTypes: (value: built.Session) => source.Session = (value) => value
