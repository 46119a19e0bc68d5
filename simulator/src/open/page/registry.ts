import { addGlobalErrorListener, type GeneralComponent } from 'glass-easel'
import {
  type AssociatedBackend,
  type behavior,
  type CodeSpace,
  component,
  MiniProgramEnv,
} from 'glass-easel-miniprogram-adapter'
import { createBackend } from './backend.js'
import { defineBuiltins } from './components/builtins.js'
import type { Surroundings } from './components/define.js'
import type { Notices } from './notices.js'
import type { Caller } from './page-stack.js'
import type { Program } from './program.js'
import { createSelectorQuery } from './wx/query.js'

/** What a mini program registers by `Page()`, `Component()` and `Behavior()`: whatever it says. */
export type Definition = Record<string, unknown> & {
  behaviors?: unknown[]
  options?: Record<string, unknown>
}

/** The pages and components of the mini program, as WeChat's framework knows them. */
export interface Registry {
  readonly backend: AssociatedBackend
  readonly space: CodeSpace
  globals: {
    Page(definition: Definition): void
    Component(definition: Definition): void
    Behavior(definition: Definition): unknown
  }
  /** Runs the code of a page, and that of the components that it uses, once. */
  need(path: string): void
}

/** What these behaviors are for, the framework or a button within does for every component. */
const DONE = new Set<unknown>(['wx://component-export', 'wx://form-field-button'])

export function createRegistry(program: Program, surroundings: Surroundings, notices: Notices): Registry {
  const env = new MiniProgramEnv()
  const backend = env.associateBackend(createBackend())
  const space = env.createCodeSpace('app', true)
  // A component may have a property of any name, `dataset` too; and its code sees its caller, as pages that assign a handler.
  space.getComponentSpace().updateComponentOptions({
    writeFieldsToNode: false,
    useMethodCallerListeners: true,
    writeIdToDOM: true,
  })
  defineBuiltins(space.getComponentSpace(), surroundings, program.unknownTags)
  space.setOverallBehavior(readyBehavior(space))
  for (const [path, { config, scope }] of Object.entries(program.components)) {
    space.addComponentStaticConfig(path, config as Parameters<CodeSpace['addComponentStaticConfig']>[1])
    const content = program.templates[path]
    if (content) space.addCompiledTemplate(path, { groupList: program.templates, content })
    if (scope !== undefined) space.addStyleSheet(path, undefined, scope)
  }
  // The framework's own query gives no canvas.
  component.ComponentCaller.prototype.createSelectorQuery = function (this: Caller) {
    return createSelectorQuery(() => this) as never
  }
  addGlobalErrorListener((error, where) => {
    notices.fail(error)
    console.error(where, error)
    return false
  })

  const needed = new Set<string>()
  const registered = new Set<string>()
  /** Which file runs. */
  let current = ''
  const formField = space
    .behavior()
    .property('name', String)
    .property('value', null as never)
    .register()

  return {
    backend,
    space,
    globals: {
      Page(definition) {
        registered.add(current)
        space
          .component(current)
          .pageDefinition(withBehaviors(definition) as never)
          .register()
      },
      Component(definition) {
        registered.add(current)
        adoptStyleOptions(current, definition.options)
        space
          .component(current)
          .definition(withBehaviors(definition) as never)
          .register()
      },
      Behavior: (definition) =>
        space
          .behavior()
          .definition(withBehaviors(definition) as never)
          .register(),
    },
    need,
  }

  function need(path: string): void {
    if (needed.has(path)) return
    needed.add(path)
    const files = program.components[path]
    if (!files) return
    for (const used of Object.values(files.config.usingComponents)) need(used.slice(1))
    const before = current
    current = path
    try {
      files.run()
    } finally {
      // A component without code has its template all the same, and so has one whose code failed.
      if (!registered.has(path)) space.component(path).register()
      current = before
    }
  }

  /** WeChat's own behaviors go by names. */
  function withBehaviors(definition: Definition): Definition {
    const behaviors = (definition.behaviors ?? []).flatMap((one): unknown[] => {
      if (typeof one !== 'string') return [one]
      if (one === 'wx://form-field') return [formField satisfies behavior.GeneralBehavior | unknown]
      if (!DONE.has(one)) notices.tell(`${current}: the behavior ${one} is not simulated.`)
      return []
    })
    return { ...definition, behaviors }
  }

  /** These stand in the component's JavaScript as often as in its JSON, where the framework looks for them. */
  function adoptStyleOptions(path: string, options: Definition['options'] = {}): void {
    const { styleIsolation, addGlobalClass } = options
    if (styleIsolation === undefined && addGlobalClass === undefined) return
    const config = {
      ...space.getComponentStaticConfig(path),
      ...(styleIsolation ? { styleIsolation } : { addGlobalClass }),
    }
    space.addComponentStaticConfig(path, config as Parameters<CodeSpace['addComponentStaticConfig']>[1])
  }
}

/** `ready`: after a component's first layout, which the framework leaves to whoever has the screen. */
function readyBehavior(space: CodeSpace): Parameters<CodeSpace['setOverallBehavior']>[0] {
  return space
    .getComponentSpace()
    .define()
    .lifetime('attached', function () {
      const { _$: node } = this as unknown as { _$: GeneralComponent }
      queueMicrotask(() => node.triggerLifetime('ready', []))
    })
    .registerBehavior() as unknown as Parameters<CodeSpace['setOverallBehavior']>[0]
}
