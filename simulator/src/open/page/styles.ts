export function sheet(css: string): CSSStyleSheet {
  const made = new CSSStyleSheet()
  made.replaceSync(css)
  return made
}

/** What WeChat itself says about elements: WXSS comes on top. */
export const BASE = `
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  page { display: block; }
  view, cover-view, form, swiper, swiper-item, scroll-view, checkbox-group, radio-group, picker, navigator,
  root-portal, .wx-unknown { display: block; }
  text { white-space: pre-line; }
  label, icon, switch, radio, checkbox { display: inline-block; }
  image, cover-image { display: inline-block; width: 320px; height: 240px; overflow: hidden; }
  image > img, cover-image > img { display: block; width: 100%; height: 100%; }
  button { display: block; margin: 0 auto; padding: 0 14px; border: 0; border-radius: 5px; background: #f8f8f8; color: #000; font: inherit; font-size: 18px; line-height: 2.55555556; cursor: pointer; -webkit-tap-highlight-color: transparent; }
  button[disabled] { cursor: default; }
  button.wx-type-primary { background: #07c160; color: #fff; }
  button.wx-type-warn { color: #e64340; }
  button.wx-size-mini { display: inline-block; width: auto; font-size: 13px; }
  input { display: block; width: 100%; padding: 0; border: 0; outline: 0; background: none; color: inherit; font: inherit; }
  textarea { display: block; width: 300px; height: 150px; padding: 0; border: 0; resize: none; background: none; color: inherit; font: inherit; }
  canvas { display: block; width: 300px; height: 150px; touch-action: none; cursor: crosshair; }
  scroll-view[scroll-y] { overflow-y: auto; }
  scroll-view[scroll-x] { overflow-x: auto; }
  swiper { position: relative; display: flex; height: 150px; overflow: auto hidden; scroll-snap-type: x mandatory; scrollbar-width: none; }
  swiper[vertical] { flex-direction: column; overflow: hidden auto; scroll-snap-type: y mandatory; }
  swiper-item { flex: none; width: 100%; height: 100%; scroll-snap-align: start; overflow: hidden; }
  switch > input, radio > input, checkbox > input { display: inline-block; width: 1.4em; height: 1.4em; margin: 0 0.3em 0 0; vertical-align: -0.25em; accent-color: #07c160; }
  slider, progress { display: block; }
  slider > input { width: 100%; accent-color: #07c160; }
  .wx-unknown { padding: 8px 12px; border: 1px dashed #b4690e; color: #7a4100; background: #fff7e6; font-size: 13px; }
  [role=button] { cursor: pointer; }
  :focus-visible { outline: 2px solid #3b5bdb; outline-offset: 2px; }
`
