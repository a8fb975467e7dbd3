import type { PageJob, PageProgress } from '../page-events.ts'
import { confirm } from './confirm.ts'
import { find } from './element.ts'
import { JobQuery } from './job-query.ts'
import { canCancel, canQueueAgain, canRetry, cancel, JobRow, queueAgain, retry } from './job-row.ts'
import { notify } from './notice.ts'
import { post, reasonOf } from './requests.ts'
import { Roving } from './roving.ts'

/** The keys of a row's actions. */
const actionKeys: Readonly<Record<string, string>> = { c: 'cancel', r: 'retry', q: 'queue again' }

/** At least this many milliseconds are between two reads of the table while jobs change. */
const readTime = 1_000

/**
 * The table of jobs. It shows one page of the jobs that match the filters. Events of the stream change the rows. The
 * server decides which rows there are, and their order, so the table asks the server again after changes, at most once
 * a second.
 */
export class JobTable {
  readonly #body = find('job-rows', HTMLTableSectionElement)
  readonly #empty = find('no-jobs', HTMLParagraphElement)
  readonly #bulk = find('bulk', HTMLSelectElement)
  readonly #roving = new Roving(this.#body, () => [...this.#body.rows])
  readonly #progress = new Map<number, PageProgress>()
  readonly #rows = new Map<number, JobRow>()
  readonly #open: (id: number) => void
  readonly query = new JobQuery(() => void this.#read())
  #selected: number | null = null
  #readAt = 0
  #timer = 0
  /**
   * How many reads of the table were begun. The answer to a read is dropped if a later read was begun before the answer
   * came.
   */
  #reads = 0

  /** `open` is called with the job whose output the user wants to see. */
  constructor(open: (id: number) => void) {
    this.#open = open
    this.#body.addEventListener('click', (event) => {
      const id = idOf(event.target)
      if (id !== null) this.#open(id)
    })
    this.#body.addEventListener('keydown', (event) => this.#onKey(event))
    this.#bulk.addEventListener('change', () => void this.#carryOutAll())
    setInterval(() => this.#showAges(), 1_000)
  }

  focus(): void {
    this.#roving.focus()
  }

  /** Marks the job whose output is shown; null marks none. */
  select(id: number | null): void {
    this.#rowOf(this.#selected)?.setAttribute('aria-selected', 'false')
    this.#selected = id
    this.#rowOf(id)?.setAttribute('aria-selected', 'true')
  }

  focusJob(id: number): void {
    this.#rowOf(id)?.focus()
  }

  get(id: number): PageJob | undefined {
    return this.#rows.get(id)?.job
  }

  /** Loads the table again after the server has sent a new snapshot of its state. */
  begin(progress: readonly PageProgress[]): void {
    this.#progress.clear()
    for (const each of progress) this.#progress.set(each.id, each)
    void this.#read()
  }

  update(jobs: readonly PageJob[], progress: readonly PageProgress[]): void {
    for (const each of progress) this.#progress.set(each.id, each)
    for (const job of jobs) {
      if (job.state !== 'running') this.#progress.delete(job.id)
      this.#rows.get(job.id)?.show(job, this.#progress.get(job.id))
    }
    for (const { id } of progress) {
      const row = this.#rows.get(id)
      if (row !== undefined) row.show(row.job, this.#progress.get(id))
    }
    if (jobs.length > 0) this.#readSoon()
  }

  /** Called when jobs were deleted. */
  remove(ids: readonly number[]): void {
    for (const id of ids) this.#progress.delete(id)
    this.#readSoon()
  }

  #readSoon(): void {
    if (this.#timer !== 0) return
    const wait = Math.max(0, this.#readAt + readTime - performance.now())
    this.#timer = setTimeout(() => void this.#read(), wait)
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = 0
    this.#readAt = performance.now()
    const read = ++this.#reads
    try {
      const table = await this.query.read()
      if (read !== this.#reads) return
      this.query.show(table)
      if (this.query.isPastEnd) {
        this.query.toLastPage()
        void this.#read()
        return
      }
      this.#show(table.jobs)
    } catch (error) {
      if (read === this.#reads) notify(reasonOf(error))
    }
  }

  /** Shows these jobs: adds missing rows, and removes other rows. */
  #show(jobs: readonly PageJob[]): void {
    const wanted = new Set(jobs.map(({ id }) => id))
    const neighbour = this.#removeRows(wanted)
    let place: Element | null = this.#body.firstElementChild
    for (const job of jobs) {
      let row = this.#rows.get(job.id)
      if (row === undefined) {
        row = new JobRow(job)
        this.#rows.set(job.id, row)
        if (job.id === this.#selected) row.row.ariaSelected = 'true'
      }
      row.show(job, this.#progress.get(job.id))
      if (row.row === place) place = place.nextElementSibling
      else this.#move(row.row, place)
    }
    this.#empty.hidden = jobs.length > 0
    this.#roving.update(neighbour)
  }

  /** Moves a row, and gives it the focus again, because an element that is moved loses the focus. */
  #move(row: HTMLElement, place: Element | null): void {
    const focused = document.activeElement
    this.#body.insertBefore(row, place)
    if (focused instanceof HTMLElement && row.contains(focused)) focused.focus()
  }

  /**
   * Removes the rows of jobs that are not in `wanted`. If the focused row was removed, returns the row that must get
   * the focus.
   */
  #removeRows(wanted: ReadonlySet<number>): HTMLElement | null {
    let neighbour: HTMLElement | null = null
    for (const [id, { row }] of this.#rows) {
      if (wanted.has(id)) continue
      if (row.contains(document.activeElement)) neighbour = this.#staying(row, wanted)
      row.remove()
      this.#rows.delete(id)
    }
    return neighbour
  }

  #staying(row: HTMLElement, wanted: ReadonlySet<number>): HTMLElement | null {
    const rows = [...this.#body.rows]
    const at = rows.indexOf(row as HTMLTableRowElement)
    const candidates = [...rows.slice(at + 1), ...rows.slice(0, at).toReversed()]
    return candidates.find((each) => wanted.has(Number(each.dataset['id']))) ?? null
  }

  #showAges(): void {
    for (const row of this.#rows.values()) row.showAge()
  }

  /** Asks the user, and then carries out the chosen action for all jobs that match the filters, on all pages. */
  async #carryOutAll(): Promise<void> {
    const action = this.#bulk.value
    this.#bulk.value = ''
    if (action === '') return
    const { words, total } = this.query
    const name = action === 'REQUEUE' ? 'queue again' : action.toLowerCase()
    const jobs = total === 1 ? '1 job' : `all ${total.toLocaleString()} jobs`
    if (!(await confirm(`${name}: ${jobs} that the filters leave, where that is possible?`, name)))
      return
    const done = await post<{ reply: number | null }>('commands/bulk', {
      words: [action, ...(words.length === 0 ? ['ALL'] : words)],
    })
    if (done === null) return
    notify(`${name}: ${(done.reply ?? 0).toLocaleString()} jobs`)
    this.#readSoon()
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const id = idOf(event.target)
    const job = id === null ? undefined : this.get(id)
    if (job === undefined) return
    if (event.key === 'Enter' && event.target instanceof HTMLTableRowElement) this.#open(job.id)
    else if (event.key === 'c' && canCancel(job)) void cancel(job.id)
    else if (event.key === 'r' && canRetry(job)) void retry(job.id)
    else if (event.key === 'q' && canQueueAgain(job)) void queueAgain(job)
    else if (event.key in actionKeys)
      notify(`Job ${job.id} is ${job.state}: nothing to ${actionKeys[event.key]}`)
    else return
    event.preventDefault()
  }

  #rowOf(id: number | null): HTMLTableRowElement | undefined {
    return id === null ? undefined : this.#rows.get(id)?.row
  }
}

function idOf(target: EventTarget | null): number | null {
  const row = target instanceof Element ? target.closest('tr') : null
  return row?.dataset['id'] === undefined ? null : Number(row.dataset['id'])
}
