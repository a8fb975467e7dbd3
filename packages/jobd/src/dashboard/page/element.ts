/** The element of the page with that id. @throws when the page has none of that type */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.querySelector(`#${id}`)
  if (!(element instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`)
  return element
}

/** A new element with texts and child elements in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...content: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className !== '') element.className = className
  element.append(...content)
  return element
}

/** Writes a text only when it differs, so that screen readers and selections are not disturbed. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
