import type { ComponentSpace, GeneralComponent } from 'glass-easel'
import type { Line } from '../line.js'
import type { Notices } from '../notices.js'
import type { Pages } from '../page-stack.js'

/** What components of WeChat need of the phone. */
export interface Surroundings {
  line: Line
  wx: Record<string, unknown>
  notices: Notices
  pages(): Pages
}

/** A component of WeChat on a page. */
export interface Host {
  readonly element: HTMLElement
  readonly component: GeneralComponent
  /** A property of it, as it is now. */
  get(name: string): unknown
  /** Changes a property, and what `model:` binds to it. */
  set(name: string, value: unknown): void
  /** Tells the mini program of an event. */
  tell(type: string, detail?: object): void
}

/** Types of properties, or what they are by default. */
export type Properties = Record<
  string,
  typeof String | typeof Number | typeof Boolean | { value: unknown } | null
>

export interface Builtin {
  tag: string
  properties?: Properties
  /** Called once for each node. What it gives is called when a property changes, by its name. */
  create?(host: Host, surroundings: Surroundings): Record<string, (value: never) => void>
}

/** Every component has these. */
const SHARED: Properties = {
  hidden: Boolean,
  ariaRole: String,
  ariaLabel: String,
  ariaHidden: null,
  ariaChecked: null,
  ariaDisabled: null,
  ariaExpanded: null,
  ariaSelected: null,
  hoverClass: String,
  hoverStopPropagation: Boolean,
  hoverStartTime: Number,
  hoverStayTime: Number,
  animation: null,
}

/** Roles of what is pressed. */
export const PRESSED: ReadonlySet<string> = new Set(['button', 'checkbox', 'link', 'radio', 'switch', 'tab'])

type Reaction = (value: never) => void

/** Lets every page use a component of WeChat. */
export function define(
  space: ComponentSpace,
  { tag, properties = {}, create }: Builtin,
  surroundings: Surroundings,
): void {
  const reactions = new WeakMap<GeneralComponent, Record<string, Reaction>>()
  const builder = space.define(`wx://${tag}`)
  for (const [name, type] of Object.entries({ ...SHARED, ...properties })) {
    builder.property(name, {
      ...typeOf(type),
      observer(value: unknown) {
        reactionsOf(this as unknown as GeneralComponent)[name]?.(value as never)
      },
    } as never)
  }
  builder.lifetime('created', function () {
    reactionsOf(this as unknown as GeneralComponent)
  })
  space.setGlobalUsingComponent(tag, builder.registerComponent() as never)

  function reactionsOf(component: GeneralComponent): Record<string, Reaction> {
    const known = reactions.get(component)
    if (known) return known
    const host = hostOf(component)
    const made = { ...sharedReactions(host), ...create?.(host, surroundings) }
    reactions.set(component, made)
    return made
  }
}

function typeOf(type: Properties[string]): object {
  if (type === null) return { type: null }
  return typeof type === 'function' ? { type } : { type: constructorOf(type.value), value: type.value }
}

function constructorOf(value: unknown): unknown {
  return { string: String, number: Number, boolean: Boolean }[typeof value as string] ?? null
}

function hostOf(component: GeneralComponent): Host {
  const element = component.getBackendElement() as unknown as HTMLElement
  return {
    element,
    component,
    get: (name) => (component.data as Record<string, unknown>)[name],
    set: (name, value) => component.setData({ [name]: value }),
    tell: (type, detail = {}) => component.triggerEvent(type, detail),
  }
}

function sharedReactions({ element }: Host): Record<string, Reaction> {
  const attribute = (name: string) => (value: unknown) => {
    if (value === undefined || value === null || value === '') element.removeAttribute(name)
    else element.setAttribute(name, String(value))
  }
  return {
    hidden: (value: boolean) => element.toggleAttribute('hidden', value),
    ariaRole(role: string) {
      attribute('role')(role)
      // Who cannot tap gets there too: see events.ts.
      if (PRESSED.has(role) && !element.matches('button')) element.tabIndex = 0
    },
    ariaLabel: attribute('aria-label'),
    ariaHidden: attribute('aria-hidden'),
    ariaChecked: attribute('aria-checked'),
    ariaDisabled: attribute('aria-disabled'),
    ariaExpanded: attribute('aria-expanded'),
    ariaSelected: attribute('aria-selected'),
  }
}
