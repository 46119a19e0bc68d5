import { CurrentWindowBackendContext } from 'glass-easel'
import { withoutRpx } from '../rpx.js'
import { SIMULATED } from '../tags.js'

/**
 * Where the framework makes its nodes: the DOM of this page. WeChat's components are elements of their own name, so
 * that WXSS finds them by it; a `<button>`, an `<input>` and a `<canvas>` are therefore HTML's. No other tag becomes an
 * element that HTML knows: a component may be called `script`.
 */
export function createBackend(): CurrentWindowBackendContext {
  const backend = new CurrentWindowBackendContext()
  const make = backend.document
  backend.document = {
    createElement: (tag) =>
      withStyles(document.createElement(nameOf(tag))) as unknown as ReturnType<typeof make.createElement>,
    createTextNode: (text) => make.createTextNode.call(document, text),
    createDocumentFragment: () => make.createDocumentFragment.call(document),
  }
  // Events come from events.ts.
  backend.setListenerStats = () => {}
  // A frame that nobody sees has no animation frames, and setData() calls back there too.
  backend.render = (done) => queueMicrotask(() => done(null))
  return backend
}

function nameOf(tag: string): string {
  return tag === 'page' || tag.includes('-') || SIMULATED.includes(tag) ? tag : `wx-${tag}`
}

/** The framework keeps ids of components apart by these; a page's WXSS knows them without. */
const PREFIX = /^[0-9a-f]{8}--/

/** The page's policy forbids inline styles that are set as an attribute, and they may have rpx. Ids are as they are written. */
function withStyles(element: HTMLElement): HTMLElement {
  const setAttribute = element.setAttribute.bind(element)
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = withoutRpx(value)
    else setAttribute(name, value)
  }
  Object.defineProperty(element, 'id', {
    get: () => element.getAttribute('id') ?? '',
    set: (id: string) => setAttribute('id', id.replace(PREFIX, '')),
  })
  return element
}
