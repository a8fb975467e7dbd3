import type { PageJob, PageProgress } from '../page-events.ts'
import { find } from './element.ts'
import { canCancel, canRetry, cancel, JobRow, retry } from './job-row.ts'
import { notify } from './notice.ts'
import { get, reasonOf } from './requests.ts'
import { Roving } from './roving.ts'

/** How many rows are shown, and how many of the newest jobs are remembered. */
const mostRows = 100
const mostJobs = 1_000

/** The newest jobs of the chosen state. */
export class JobTable {
  readonly #body = find('job-rows', HTMLTableSectionElement)
  readonly #empty = find('no-jobs', HTMLParagraphElement)
  readonly #filter = find('filter', HTMLFieldSetElement)
  readonly #roving = new Roving(this.#body, () => [...this.#body.rows])
  readonly #jobs = new Map<number, PageJob>()
  readonly #progress = new Map<number, PageProgress>()
  readonly #rows = new Map<number, JobRow>()
  readonly #open: (id: number) => void
  #state = ''
  #selected: number | null = null

  /** `open` is called with the job whose output is asked for. */
  constructor(open: (id: number) => void) {
    this.#open = open
    this.#body.addEventListener('click', (event) => {
      const id = idOf(event.target)
      if (id !== null) this.#open(id)
    })
    this.#body.addEventListener('keydown', (event) => this.#onKey(event))
    this.#filter.addEventListener('change', () => void this.#choose())
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
    return this.#jobs.get(id)
  }

  /** Replaces all jobs, after a new snapshot. */
  begin(jobs: readonly PageJob[], progress: readonly PageProgress[]): void {
    this.#jobs.clear()
    this.#progress.clear()
    this.update(jobs, progress)
    // The server may have older jobs of the chosen state than the snapshot has.
    if (this.#state !== '') void this.#choose()
  }

  update(jobs: readonly PageJob[], progress: readonly PageProgress[]): void {
    for (const each of progress) this.#progress.set(each.id, each)
    for (const job of jobs) {
      this.#jobs.set(job.id, job)
      if (job.state !== 'running') this.#progress.delete(job.id)
    }
    this.#forgetOld()
    this.#show(new Set([...jobs.map(({ id }) => id), ...progress.map(({ id }) => id)]))
  }

  /** The jobs are no longer there. */
  remove(ids: readonly number[]): void {
    for (const id of ids) {
      this.#jobs.delete(id)
      this.#progress.delete(id)
    }
    this.#show(new Set())
  }

  #forgetOld(): void {
    if (this.#jobs.size <= mostJobs) return
    const old = [...this.#jobs.keys()].toSorted((a, b) => b - a).slice(mostJobs)
    for (const id of old) {
      this.#jobs.delete(id)
      this.#progress.delete(id)
    }
  }

  /** Adds missing rows, removes others, and refreshes the rows of the jobs in `changed`. */
  #show(changed: ReadonlySet<number>): void {
    const shown = [...this.#jobs.values()]
      .filter((job) => this.#state === '' || job.state === this.#state)
      .toSorted((a, b) => b.id - a.id)
      .slice(0, mostRows)
    const wanted = new Set(shown.map(({ id }) => id))
    const neighbour = this.#removeRows(wanted)
    let place: Element | null = this.#body.firstElementChild
    for (const job of shown) {
      let row = this.#rows.get(job.id)
      if (row === undefined) {
        row = new JobRow(job)
        this.#rows.set(job.id, row)
        row.show(job, this.#progress.get(job.id))
        if (job.id === this.#selected) row.row.ariaSelected = 'true'
      } else if (changed.has(job.id)) row.show(job, this.#progress.get(job.id))
      if (row.row === place) place = place.nextElementSibling
      else this.#body.insertBefore(row.row, place)
    }
    this.#empty.hidden = shown.length > 0
    this.#roving.update(neighbour)
  }

  /** Gives the row that the focus goes to when the one that had it is removed. */
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

  async #choose(): Promise<void> {
    const chosen = this.#filter.querySelector<HTMLInputElement>('input:checked')?.value ?? ''
    this.#state = chosen
    this.#show(new Set())
    if (chosen === '') return
    try {
      const jobs = await get<PageJob[]>(`jobs?state=${chosen}`)
      // Changes that the stream has brought in the meantime are newer than this answer.
      if (this.#state === chosen)
        this.update(
          jobs.filter(({ id }) => !this.#jobs.has(id)),
          [],
        )
    } catch (error) {
      notify(reasonOf(error))
    }
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const id = idOf(event.target)
    const job = id === null ? undefined : this.#jobs.get(id)
    if (job === undefined) return
    if (event.key === 'Enter' && event.target instanceof HTMLTableRowElement) this.#open(job.id)
    else if (event.key === 'c' && canCancel(job)) void cancel(job.id)
    else if (event.key === 'r' && canRetry(job)) void retry(job.id)
    else if (event.key === 'c' || event.key === 'r')
      notify(`Job ${job.id} is ${job.state}: nothing to ${event.key === 'c' ? 'cancel' : 'retry'}`)
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
