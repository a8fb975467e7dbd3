import type { PageTable } from '../page-events.ts'
import { find, make, setText } from './element.ts'
import { get } from './requests.ts'

/** How many rows a page of the table has. */
const pageSize = 50

/** The search begins this many milliseconds after the last key stroke in its field. */
const pause = 250

const states = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

/** The filter, the order and the page of the table that the user has chosen. */
export class JobQuery {
  readonly #filter = find('filter', HTMLFieldSetElement)
  readonly #search = find('search', HTMLInputElement)
  readonly #kind = find('shown-kind', HTMLSelectElement)
  readonly #time = find('shown-time', HTMLSelectElement)
  readonly #heads = [...document.querySelectorAll<HTMLButtonElement>('#jobs th button[data-sort]')]
  readonly #previous = find('previous', HTMLButtonElement)
  readonly #next = find('next', HTMLButtonElement)
  readonly #range = find('range', HTMLSpanElement)
  #sort = 'running'
  #isDescending = true
  #offset = 0
  #total = 0

  /** `changed` is called when the table must show other jobs. */
  constructor(changed: () => void) {
    const restart = (): void => {
      this.#offset = 0
      changed()
    }
    for (const part of [this.#filter, this.#kind, this.#time])
      part.addEventListener('change', restart)
    let timer = 0
    this.#search.addEventListener('input', () => {
      clearTimeout(timer)
      timer = setTimeout(restart, pause)
    })
    for (const head of this.#heads)
      head.addEventListener('click', () => {
        this.#sortBy(head.dataset['sort'] ?? '')
        restart()
      })
    this.#previous.addEventListener('click', () => this.turn(-1))
    this.#next.addEventListener('click', () => this.turn(1))
    this.turn = (by) => {
      const offset = Math.min(
        Math.max(0, Math.ceil(this.#total / pageSize) - 1) * pageSize,
        Math.max(0, this.#offset + by * pageSize),
      )
      if (offset === this.#offset) return
      this.#offset = offset
      changed()
    }
  }

  /** Goes to the page before or after the current one. */
  readonly turn: (by: number) => void

  focus(): void {
    this.#search.focus()
  }

  /**
   * Called when the head of a column is clicked. The first click sorts in descending order, the second in ascending
   * order, the third restores the initial order.
   */
  #sortBy(sort: string): void {
    if (this.#sort !== sort) [this.#sort, this.#isDescending] = [sort, true]
    else if (this.#isDescending) this.#isDescending = false
    else [this.#sort, this.#isDescending] = ['running', true]
    for (const { dataset, parentElement } of this.#heads) {
      const isSorted = dataset['sort'] === this.#sort
      if (parentElement === null) continue
      if (isSorted) parentElement.ariaSort = this.#isDescending ? 'descending' : 'ascending'
      else parentElement.removeAttribute('aria-sort')
    }
  }

  get state(): string {
    return this.#filter.querySelector<HTMLInputElement>('input:checked')?.value ?? ''
  }

  /** The filter as words of the protocol. */
  get words(): string[] {
    const words: string[] = []
    if (this.state !== '') words.push('STATE', this.state)
    if (this.#kind.value !== '') words.push('KIND', this.#kind.value)
    if (this.#search.value.trim() !== '') words.push('SEARCH', this.#search.value.trim())
    if (this.#time.value !== '') words.push('SINCE', String(Date.now() - Number(this.#time.value)))
    return words
  }

  get total(): number {
    return this.#total
  }

  showKinds(names: readonly string[]): void {
    const chosen = this.#kind.value
    const options = names.map((name) => make('option', '', name))
    this.#kind.replaceChildren(this.#kind.options[0] as HTMLOptionElement, ...options)
    this.#kind.value = names.includes(chosen) ? chosen : ''
  }

  /** Reads the page of the table that must be shown. @throws the error that the server answers */
  async read(): Promise<PageTable> {
    const query = new URLSearchParams({
      sort: this.#sort,
      order: this.#isDescending ? 'down' : 'up',
      offset: String(this.#offset),
      limit: String(pageSize),
      state: this.state,
      kind: this.#kind.value,
      search: this.#search.value.trim(),
    })
    if (this.#time.value !== '') query.set('since', String(Date.now() - Number(this.#time.value)))
    return get<PageTable>(`table?${query}`)
  }

  /** Shows the counts beside the filters, and which of all jobs are on the page. */
  show({ jobs, counts, total }: PageTable): void {
    this.#total = total
    let all = 0
    for (const state of states) {
      all += counts[state]
      setText(find(`found-${state}`, HTMLSpanElement), counts[state].toLocaleString())
    }
    setText(find('found-all', HTMLSpanElement), all.toLocaleString())
    const first = jobs.length === 0 ? 0 : this.#offset + 1
    const last = this.#offset + jobs.length
    const range = `${first.toLocaleString()}–${last.toLocaleString()} of ${total.toLocaleString()}`
    setText(this.#range, total === 0 ? '' : range)
    this.#previous.disabled = this.#offset === 0
    this.#next.disabled = last >= total
  }

  /** Whether the page no longer exists, because jobs were deleted or no longer match the filter. */
  get isPastEnd(): boolean {
    return this.#offset > 0 && this.#offset >= this.#total
  }

  toLastPage(): void {
    this.#offset = Math.max(0, Math.ceil(this.#total / pageSize) - 1) * pageSize
  }
}
