/**
 * Lets the user reach the elements of a list by keys. The tab key reaches only the current element; the arrow keys go
 * from it to the other elements. Elements may be added and removed. The current element stays the current one until it
 * is removed.
 */
export class Roving {
  readonly #all: () => HTMLElement[]
  #current: HTMLElement | null = null
  /** Whether an element has had the focus. Until then the first element is the current one. */
  #hadFocus = false

  /** `all` returns the elements in their order. */
  constructor(container: HTMLElement, all: () => HTMLElement[]) {
    this.#all = all
    container.addEventListener('keydown', (event) => this.#onKey(event))
    container.addEventListener('focusin', (event) => {
      const item = this.#itemOf(event.target)
      this.#hadFocus = true
      if (item !== null) this.#choose(item)
    })
  }

  get current(): HTMLElement | null {
    return this.#current
  }

  /** Called after elements were added or removed. If the focused element was removed, `next` gets the focus. */
  update(next: HTMLElement | null = null): void {
    const all = this.#all()
    if (!this.#hadFocus || this.#current === null || !all.includes(this.#current)) {
      const hadFocus = next !== null
      this.#choose(next !== null && all.includes(next) ? next : (all[0] ?? null))
      if (hadFocus) this.#current?.focus()
    }
  }

  focus(): void {
    this.#current?.focus()
  }

  #itemOf(target: EventTarget | null): HTMLElement | null {
    return target instanceof HTMLElement
      ? (this.#all().findLast((item) => item.contains(target)) ?? null)
      : null
  }

  #choose(item: HTMLElement | null): void {
    if (item === this.#current) return
    if (this.#current !== null) setReachable(this.#current, false)
    this.#current = item
    if (item !== null) setReachable(item, true)
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const all = this.#all()
    const at = this.#current === null ? -1 : all.indexOf(this.#current)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
    const item = to === undefined ? undefined : all[to]
    if (to === undefined) return
    event.preventDefault()
    if (item === undefined) return
    this.#choose(item)
    item.focus()
  }
}

/**
 * Makes the tab key reach `item` and its buttons, or skip them. The tab key should reach only the current item and its
 * buttons.
 */
export function setReachable(item: HTMLElement, isReachable: boolean): void {
  item.tabIndex = isReachable ? 0 : -1
  for (const button of ownButtons(item)) button.tabIndex = isReachable ? 0 : -1
}

function ownButtons(item: HTMLElement): HTMLButtonElement[] {
  return [...item.querySelectorAll('button')].filter(
    (button) => button.closest('[role="row"]') === item,
  )
}
