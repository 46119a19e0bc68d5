import { Component, type Element as Node } from 'glass-easel'
import type { Caller } from '../page-stack.js'

type Fields = Partial<Record<'id' | 'dataset' | 'rect' | 'size' | 'scrollOffset' | 'node', boolean>> & {
  properties?: string[]
}
type Done = (result: never) => void

interface Query {
  in(component: Caller): Query
  select(selector: string): Selected
  selectAll(selector: string): Selected
  selectViewport(): Selected
  exec(done?: (results: unknown[]) => void): Query
}

interface Selected {
  fields(fields: Fields, done?: Done): Query
  boundingClientRect(done?: Done): Query
  scrollOffset(done?: Done): Query
  node(done?: Done): Query
}

/** `wx.createSelectorQuery()`: of the page on top, or in a component. A canvas is the `node` of its element. */
export function createSelectorQuery(top: () => Caller | undefined): Query {
  let owner = top()
  const steps: { find(): unknown; done: Done | undefined }[] = []
  const query: Query = {
    in(component) {
      owner = component
      return query
    },
    select: (selector) => selected((fields) => resultOf(shadow()?.querySelector(selector), fields)),
    selectAll: (selector) =>
      selected((fields) =>
        (shadow()?.querySelectorAll(selector) ?? []).map((node) => resultOf(node, fields)),
      ),
    selectViewport: () => selected((fields) => viewport(fields)),
    exec(done) {
      // In WeChat too, the answer comes later.
      setTimeout(() => {
        const results = steps.map(({ find, done }) => {
          const result = find()
          done?.(result as never)
          return result
        })
        done?.(results)
      })
      return query
    },
  }
  return query

  function shadow() {
    return owner?._$.getShadowRoot()
  }

  function selected(find: (fields: Fields) => unknown): Selected {
    const push = (fields: Fields, done: Done | undefined) => {
      steps.push({ find: () => find(fields), done })
      return query
    }
    return {
      fields: push,
      boundingClientRect: (done) => push({ id: true, dataset: true, rect: true, size: true }, done),
      scrollOffset: (done) => push({ id: true, dataset: true, scrollOffset: true }, done),
      node: (done) => push({ node: true }, done),
    }
  }
}

function resultOf(node: Node | null | undefined, fields: Fields): object | null {
  const element = node?.getBackendElement() as HTMLElement | null | undefined
  if (!node || !element) return null
  const { left, top, right, bottom, width, height } = element.getBoundingClientRect()
  const { scrollLeft, scrollTop } = element
  const data = Component.isComponent(node) ? (node.data as Record<string, unknown>) : {}
  return {
    ...(fields.id && { id: node.id }),
    ...(fields.dataset && { dataset: node.dataset }),
    ...(fields.rect && { left, top, right, bottom }),
    ...(fields.size && { width, height }),
    ...(fields.scrollOffset && { scrollLeft, scrollTop }),
    ...(fields.node && { node: element instanceof HTMLCanvasElement ? element : null }),
    ...Object.fromEntries((fields.properties ?? []).map((name) => [name, data[name]])),
  }
}

function viewport(fields: Fields): object {
  return {
    ...(fields.rect && { left: 0, top: 0, right: innerWidth, bottom: innerHeight }),
    ...(fields.size && { width: innerWidth, height: innerHeight }),
    ...(fields.scrollOffset && { scrollLeft: 0, scrollTop: 0 }),
  }
}
