/** Tags of WXML that the compiler itself understands. */
export const COMPILED: readonly string[] = ['block', 'import', 'include', 'slot', 'template', 'wxs']

/** WeChat's components that are simulated: see page/components/. */
export const SIMULATED: readonly string[] = [
  'button',
  'canvas',
  'checkbox',
  'checkbox-group',
  'cover-image',
  'cover-view',
  'form',
  'icon',
  'image',
  'input',
  'label',
  'navigator',
  'picker',
  'progress',
  'radio',
  'radio-group',
  'root-portal',
  'scroll-view',
  'slider',
  'swiper',
  'swiper-item',
  'switch',
  'text',
  'textarea',
  'view',
]

/** The tags of a template, in the order in which they first stand in it. Comments and scripts are no part of it. */
export function tagsOf(wxml: string): string[] {
  const markup = wxml
    .replace(/<!--[\s\S]*?-->|<wxs\b[^>]*>[\s\S]*?<\/wxs\s*>/g, '')
    .replace(/"[^"]*"|'[^']*'/g, '""')
  return [...new Set(Array.from(markup.matchAll(/<([\w-]+)/g), ([, tag = '']) => tag))]
}
