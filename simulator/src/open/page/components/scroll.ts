import type { Builtin, Host } from './define.js'

/** Pixels from an end at which it counts as reached. */
const THRESHOLD = 50

const SCROLL_VIEW: Builtin = {
  tag: 'scroll-view',
  properties: {
    scrollX: Boolean,
    scrollY: Boolean,
    upperThreshold: { value: THRESHOLD },
    lowerThreshold: { value: THRESHOLD },
    scrollTop: null,
    scrollLeft: null,
    scrollIntoView: String,
    scrollWithAnimation: Boolean,
    enableBackToTop: Boolean,
    enableFlex: Boolean,
    showScrollbar: { value: true },
    enhanced: Boolean,
    type: String,
    refresherEnabled: Boolean,
  },
  create(host, { notices }) {
    const { element, tell } = host
    element.addEventListener('scroll', () => {
      const { scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight } = element
      tell('scroll', { scrollTop, scrollLeft, scrollHeight, scrollWidth })
      if (scrollTop + clientHeight >= scrollHeight - Number(host.get('lowerThreshold'))) tell('scrolltolower')
      if (scrollTop <= Number(host.get('upperThreshold'))) tell('scrolltoupper')
    })
    return {
      scrollX: (value: boolean) => element.toggleAttribute('scroll-x', value),
      scrollY: (value: boolean) => element.toggleAttribute('scroll-y', value),
      scrollTop: (value: number) => element.scrollTo({ top: value }),
      scrollLeft: (value: number) => element.scrollTo({ left: value }),
      scrollIntoView: (id: string) => void (id && nodeOf(host, id)?.scrollIntoView()),
      refresherEnabled: (value: boolean) => {
        if (value) notices.tell('<scroll-view refresher-enabled> is not simulated.')
      },
    }
  },
}

function nodeOf({ component }: Host, id: string): Element | undefined {
  return component.ownerShadowRoot?.querySelector(`#${CSS.escape(id)}`)?.getBackendElement() as unknown as
    | Element
    | undefined
}

/** Plain: it scrolls from one to the next, by hand. It does not go round, and not by itself. */
const SWIPER: Builtin = {
  tag: 'swiper',
  properties: {
    indicatorDots: Boolean,
    indicatorColor: String,
    indicatorActiveColor: String,
    autoplay: Boolean,
    current: Number,
    interval: { value: 5000 },
    duration: { value: 500 },
    circular: Boolean,
    vertical: Boolean,
    previousMargin: String,
    nextMargin: String,
  },
  create(host, { notices }) {
    const { element, tell } = host
    // The keyboard scrolls it.
    element.tabIndex = 0
    element.addEventListener('scrollend', () => {
      const isVertical = host.get('vertical')
      const [at, size] = isVertical
        ? [element.scrollTop, element.clientHeight]
        : [element.scrollLeft, element.clientWidth]
      const current = Math.round(at / (size || 1))
      if (current === host.get('current')) return
      host.set('current', current)
      tell('change', { current, source: 'touch' })
    })
    return {
      current: (value: number) => {
        const { clientWidth, clientHeight } = element
        element.scrollTo(host.get('vertical') ? { top: value * clientHeight } : { left: value * clientWidth })
      },
      vertical: (value: boolean) => element.toggleAttribute('vertical', value),
      autoplay: (value: boolean) => {
        if (value) notices.tell('<swiper autoplay> is not simulated: it goes on by hand.')
      },
    }
  },
}

export const SCROLLING: Builtin[] = [
  SCROLL_VIEW,
  SWIPER,
  { tag: 'swiper-item', properties: { itemId: String } },
]
