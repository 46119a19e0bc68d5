import type { ComponentSpace } from 'glass-easel'
import { SIMULATED } from '../../tags.js'
import { BUTTON } from './button.js'
import { CHOICES } from './choices.js'
import { type Builtin, define, type Surroundings } from './define.js'
import { FORM, LABEL } from './form.js'
import { FIELDS } from './input.js'
import { NAVIGATOR } from './navigator.js'
import { PICKER } from './picker.js'
import { PLAIN } from './plain.js'
import { SCROLLING } from './scroll.js'
import { unknownOf } from './unknown.js'

const BUILTINS: Builtin[] = [
  ...PLAIN,
  ...FIELDS,
  ...CHOICES,
  ...SCROLLING,
  BUTTON,
  FORM,
  LABEL,
  NAVIGATOR,
  PICKER,
]

/** WeChat's components, and a place for each that is not simulated. */
export function defineBuiltins(
  space: ComponentSpace,
  surroundings: Surroundings,
  unknownTags: string[],
): void {
  const missing = SIMULATED.filter((tag) => !BUILTINS.some((builtin) => builtin.tag === tag))
  for (const builtin of [...BUILTINS, ...[...missing, ...unknownTags].map(unknownOf)]) {
    define(space, builtin, surroundings)
  }
}
