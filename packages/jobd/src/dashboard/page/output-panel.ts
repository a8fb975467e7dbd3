import type { PageJob, PageOutput } from '../page-events.ts'
import { formatDuration } from './durations.ts'
import { find, make, setText } from './element.ts'
import type { LiveEvents } from './live-events.ts'
import { notify } from './notice.ts'
import { get, reasonOf } from './requests.ts'

/** The page keeps at most this many characters of a job's output, the last ones. */
const mostCharacters = 500_000

/** The panel of one job: its fields, and its output as it comes. */
export class OutputPanel {
  readonly #panel = find('output', HTMLElement)
  readonly #title = find('output-title', HTMLHeadingElement)
  readonly #facts = find('facts', HTMLDListElement)
  readonly #text = find('output-text', HTMLPreElement)
  readonly #events: () => LiveEvents
  readonly #closed: (id: number) => void
  #id: number | null = null

  /** `closed` is called with the job that was shown. */
  constructor(events: () => LiveEvents, closed: (id: number) => void) {
    this.#events = events
    this.#closed = closed
    find('close-output', HTMLButtonElement).addEventListener('click', () => this.close())
  }

  get id(): number | null {
    return this.#id
  }

  open(id: number): void {
    if (this.#id !== null) this.#events().unfollow(this.#id)
    this.#id = id
    this.#panel.hidden = false
    this.#panel.dataset['job'] = String(id)
    setText(this.#title, `Job ${id}`)
    this.#facts.replaceChildren()
    this.#text.replaceChildren()
    this.#events().follow(id)
    void this.refresh()
    this.#title.focus({ preventScroll: true })
  }

  close(): void {
    const id = this.#id
    if (id === null) return
    this.#events().unfollow(id)
    this.#id = null
    this.#panel.hidden = true
    this.#closed(id)
  }

  /** The whole texts of the job, which the table cuts. A job that begins anew has its output from the start. */
  async refresh(began = false): Promise<void> {
    const id = this.#id
    if (id === null) return
    try {
      const job = await get<PageJob>(`jobs/${id}`)
      if (this.#id === id) this.#showFacts(job)
    } catch (error) {
      notify(reasonOf(error))
    }
    if (began && this.#id === id) this.#events().follow(id)
  }

  #showFacts(job: PageJob): void {
    setText(this.#title, `Job ${job.id}: ${job.kind}`)
    const state = make('span', 'state', job.state)
    const facts: [string, string | Node | null][] = [
      ['State', state],
      ['Payload', job.payload],
      ['Attempts', job.retries === 0 ? `${job.attempts}` : `${job.attempts} of ${job.retries + 1}`],
      ['Added', new Date(job.createdAt).toLocaleString()],
      ['Began', job.startedAt === null ? null : new Date(job.startedAt).toLocaleString()],
      ['Ended', job.endedAt === null ? null : new Date(job.endedAt).toLocaleString()],
      [
        'Took',
        job.endedAt === null || job.startedAt === null
          ? null
          : formatDuration(job.endedAt - job.startedAt),
      ],
      ['Priority', job.priority === 0 ? null : String(job.priority)],
      ['Time limit', job.timeout === 0 ? null : formatDuration(job.timeout)],
      ['Key', job.key],
      ['Group', job.group],
      ['Schedule', job.schedule],
      ['Result', job.result],
      ['Error', job.error],
    ]
    const shown = facts.filter(([, value]) => value !== null) as [string, string | Node][]
    this.#facts.replaceChildren(
      ...shown.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]),
    )
    this.#facts.dataset['state'] = job.state
  }

  /** A part of the output has come. */
  take(event: 'log' | 'output' | 'end', output: PageOutput): void {
    if (output.job !== this.#id || event === 'end') return
    if (event === 'log') this.#text.replaceChildren()
    this.#add(output)
  }

  #add({ text, omitted }: PageOutput): void {
    const view = this.#text
    const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 24
    if (omitted > 0) view.append(`[${omitted} characters left out]\n`)
    view.append(text)
    const all = view.textContent
    if (all.length > mostCharacters) view.textContent = all.slice(-mostCharacters)
    if (isAtEnd) view.scrollTop = view.scrollHeight
  }
}
