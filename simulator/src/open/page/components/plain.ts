import type { Builtin } from './define.js'
import { fileUrl } from './file-url.js'

/** Components that are nothing but what is in them, or what they look like. */
export const PLAIN: Builtin[] = [
  { tag: 'view' },
  { tag: 'cover-view' },
  { tag: 'root-portal', properties: { enable: { value: true } } },
  {
    tag: 'text',
    properties: {
      selectable: Boolean,
      userSelect: Boolean,
      space: String,
      decode: Boolean,
      overflow: String,
    },
    create: ({ element }) => ({
      selectable: (value: boolean) => element.classList.toggle('wx-selectable', value),
      space: (value: string) => {
        element.style.whiteSpace = value ? 'pre-wrap' : ''
      },
      decode: (value: boolean) => value && decodeTexts(element),
    }),
  },
  {
    tag: 'canvas',
    properties: { type: String, canvasId: String, disableScroll: Boolean },
    create: (_, { notices }) => ({
      canvasId: () => notices.tell('<canvas canvas-id>: the old canvas is not simulated; type="2d" is.'),
    }),
  },
  {
    tag: 'icon',
    properties: { type: String, size: { value: 23 }, color: String },
    create: ({ element }) => ({
      type: (value: string) => {
        element.textContent = ICONS[value] ?? '●'
      },
      size: (value: number) => {
        element.style.fontSize = `${value}px`
      },
      color: (value: string) => {
        element.style.color = value
      },
    }),
  },
  {
    tag: 'progress',
    properties: {
      percent: Number,
      showInfo: Boolean,
      strokeWidth: null,
      activeColor: String,
      backgroundColor: String,
    },
    create: ({ element }) => {
      const bar = element as HTMLProgressElement
      bar.max = 100
      return {
        percent: (value: number) => {
          bar.value = value
        },
      }
    },
  },
  ...['image', 'cover-image'].map(imageOf),
]

const ICONS: Record<string, string> = {
  success: '✔',
  success_no_circle: '✓',
  info: 'ℹ',
  warn: '⚠',
  waiting: '◷',
  cancel: '✕',
  download: '↓',
  search: '⌕',
  clear: '✕',
}

function imageOf(tag: string): Builtin {
  return {
    tag,
    properties: { src: String, mode: String, lazyLoad: Boolean, webp: Boolean, showMenuByLongpress: Boolean },
    create({ element, component, tell }) {
      const image = document.createElement('img')
      image.alt = ''
      image.draggable = false
      image.addEventListener('load', () =>
        tell('load', { width: image.naturalWidth, height: image.naturalHeight }),
      )
      image.addEventListener('error', () => tell('error', { errMsg: `${tag}:fail` }))
      element.append(image)
      return {
        src(value: string) {
          element.setAttribute('src', value)
          image.src = fileUrl(component, value)
        },
        mode(value: string) {
          image.style.objectFit =
            value === 'aspectFill' ? 'cover' : value === 'scaleToFill' ? 'fill' : 'contain'
          if (value === 'widthFix') Object.assign(element.style, { height: 'auto' })
          if (value === 'widthFix') image.style.height = 'auto'
        },
      }
    },
  }
}

/** `<text decode>` reads six entities, and no others. */
const ENTITIES: Record<string, string> = {
  '&nbsp;': '\u00a0',
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&apos;': "'",
  '&ensp;': '\u2002',
  '&emsp;': '\u2003',
}

function decodeTexts(element: HTMLElement): void {
  const decode = (): void => {
    for (const node of element.childNodes) {
      if (!(node instanceof Text)) continue
      const decoded = node.data.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity)
      if (decoded !== node.data) node.data = decoded
    }
  }
  new MutationObserver(decode).observe(element, { childList: true, characterData: true, subtree: true })
}
