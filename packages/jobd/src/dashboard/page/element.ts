/** Returns the element of the page with this id. @throws when the page has no element of this id and type */
export function find<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.querySelector(`#${id}`)
  if (!(element instanceof type)) throw new TypeError(`the page has no ${type.name} #${id}`)
  return element
}

/** Makes an element with texts and child elements. */
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

/** Changes the text of an element only if it differs, so that screen readers and selections are not disturbed. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
