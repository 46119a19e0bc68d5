import type { template } from 'glass-easel'
import type { AppConfig, ComponentConfig } from '../program-files.js'

/** The mini program, as bundle.ts puts it together from its files. */
export interface Program {
  app: AppConfig
  /** What is not simulated, found while it was put together. */
  notices: string[]
  /** Tags that are neither simulated nor components of its own. */
  unknownTags: string[]
  /** app.wxss. */
  style: string
  templates: Record<string, template.ProcGenGroup>
  /** Pages and components, by their paths. */
  components: Record<string, ComponentFiles>
  /** Runs app.js. */
  run(): void
}

export interface ComponentFiles {
  config: ComponentConfig
  /** What its classes begin with; missing for pages. */
  scope?: string
  style: string
  /** Runs its JavaScript. */
  run(): void
}
