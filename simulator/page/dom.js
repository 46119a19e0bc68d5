/** Elements without a framework. */
import { word } from './words.js'

/**
 * An element. Properties that begin with `on` are listeners, `class` and names with a hyphen are attributes.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else if (name === 'class' || name.includes('-')) made.setAttribute(name, String(value))
    else Object.assign(made, { [name]: value })
  }
  made.append(...children)
  return made
}

/**
 * What stands in the page under this id.
 *
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

/**
 * Makes a list show these items. A row stays the same element while its item is there: nothing loses the focus.
 *
 * @template Item
 * @param {HTMLElement} list
 * @param {readonly Item[]} items
 * @param {{ key(item: Item): string, create(item: Item): HTMLElement, update?(row: HTMLElement, item: Item): void }} row
 */
export function showRows(list, items, { key, create, update }) {
  const known = new Map(Array.from(list.children, (row) => [row.getAttribute('data-key'), row]))
  const keys = new Set(items.map(key))
  for (const [name, row] of known) if (name === null || !keys.has(name)) row.remove()
  for (const [i, item] of items.entries()) {
    const found = /** @type {HTMLElement | undefined} */ (known.get(key(item)))
    const row = found ?? create(item)
    row.setAttribute('data-key', key(item))
    if (found) update?.(found, item)
    if (list.children[i] !== row) list.insertBefore(row, list.children[i] ?? null)
  }
}

/**
 * A text that can be copied.
 *
 * @param {string} name what it is, for those who do not see where the button stands
 * @param {() => string} text
 */
export function copyButton(name, text) {
  const properties = {
    type: 'button',
    class: 'small',
    'aria-label': `${word('copy')} ${name}`,
    onclick: () => copy(text()),
  }
  return element('button', properties, word('copy'))
}

/**
 * A name and its value, which can be copied.
 *
 * @param {string} name
 * @param {string} value
 * @param {string} [spoken] what the button copies, for screen readers. Default: the name
 */
export function copyableFact(name, value, spoken = name) {
  const button = copyButton(spoken, () => value)
  return element('div', {}, element('dt', {}, name), element('dd', {}, element('code', {}, value), button))
}

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    say(word('copied'))
  } catch {
    say(word('notCopied'))
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let silence

/**
 * Says something for a while, also to screen readers.
 *
 * @param {string} text
 */
export function say(text) {
  byId('said').textContent = text
  clearTimeout(silence)
  silence = setTimeout(() => {
    byId('said').textContent = ''
  }, 4000)
}
