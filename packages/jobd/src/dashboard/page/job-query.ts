import type { PageTable } from '../page-events.ts'
import { find, make, setText } from './element.ts'
import { get } from './requests.ts'

/** Rows of a page. */
const pageSize = 50

/** The search begins this many milliseconds after the last key stroke in its field. */
const pause = 250

const states = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

/** Which jobs the table shows, in which order, and which page of them. */
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

  /** `changed` is called when other jobs are to be shown. */
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

  /** To the page before, or after. */
  readonly turn: (by: number) => void

  focus(): void {
    this.#search.focus()
  }

  /** The first click sorts downwards, the second upwards, the third as at first. */
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

  /** The filter without its state, as words of the protocol. */
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

  /** Reads the page that is to be shown. @throws what the server answers */
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

  /** Shows the counts beside the filters, and where in all jobs the page is. */
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

  /** When jobs went away, the page may be one that is no longer there. */
  get isPastEnd(): boolean {
    return this.#offset > 0 && this.#offset >= this.#total
  }

  toLastPage(): void {
    this.#offset = Math.max(0, Math.ceil(this.#total / pageSize) - 1) * pageSize
  }
}
