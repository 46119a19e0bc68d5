import type { Builtin } from './define.js'

/** A component that is not here stands on the page as what it is, and the page says so. */
export function unknownOf(tag: string): Builtin {
  return {
    tag,
    create({ element }, { notices }) {
      element.classList.add('wx-unknown')
      element.append(`<${tag}> 模拟器不支持这个组件 · is not simulated`)
      notices.tell(`<${tag}> is neither simulated nor in usingComponents.`)
      return {}
    },
  }
}
