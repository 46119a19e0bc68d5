/** An element with a class, and what is in it. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...children)
  return made
}

/** The element of the page with this id. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (!found) throw new Error(`there is no #${id}`)
  return found as Kind
}

/** A button that a keyboard finds again after its surroundings were made anew: `key` names it among them. */
export function button(key: string, label: string, onPress: () => void): HTMLButtonElement {
  const made = el('button', 'button', label)
  made.type = 'button'
  made.dataset.key = key
  made.addEventListener('click', onPress)
  return made
}

/**
 * Makes what is in a place anew, and leaves the keyboard where it was: on the element with the same key, else on the next
 * one that is left, else on the place itself.
 */
export function refill(place: HTMLElement, ...children: (Node | string)[]): void {
  const active = document.activeElement
  const isInside = active instanceof HTMLElement && active !== place && place.contains(active)
  const key = isInside ? active.dataset.key : undefined
  const position = isInside ? keyed(place).indexOf(active) : -1
  const open = new Set(
    Array.from(place.querySelectorAll<HTMLElement>('details[open][data-key]'), ({ dataset }) => dataset.key),
  )
  place.replaceChildren(...children)
  for (const details of place.querySelectorAll<HTMLDetailsElement>('details[data-key]'))
    if (open.has(details.dataset.key)) details.open = true
  if (!isInside) return
  const left = keyed(place)
  const next = left.find(({ dataset }) => dataset.key === key) ?? left[Math.min(position, left.length - 1)]
  ;(next ?? place).focus()
}

function keyed(place: HTMLElement): HTMLElement[] {
  return Array.from(place.querySelectorAll<HTMLElement>('[data-key]:not(details)'))
}
