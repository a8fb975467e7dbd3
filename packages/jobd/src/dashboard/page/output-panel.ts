import type { AttemptRecord } from '../../jobs/job.ts'
import type { PageJob, PageOutput } from '../page-events.ts'
import { AttemptChoice } from './attempt-choice.ts'
import { formatDuration } from './durations.ts'
import { find, make, setText } from './element.ts'
import type { LiveEvents } from './live-events.ts'
import { notify } from './notice.ts'
import { OutputText } from './output-text.ts'
import { get, reasonOf } from './requests.ts'

/**
 * The panel of one job. It shows the fields of the job, its attempts, and the output of one attempt while it is
 * written.
 */
export class OutputPanel {
  readonly #panel = find('output', HTMLElement)
  readonly #title = find('output-title', HTMLHeadingElement)
  readonly #facts = find('facts', HTMLDListElement)
  readonly #text = new OutputText()
  readonly #attempts = new AttemptChoice((attempt) => void this.#showAttempt(attempt))
  readonly #events: () => LiveEvents
  readonly #closed: (id: number) => void
  #id: number | null = null
  /** The attempt whose output is shown; null before its output has arrived. */
  #shownAttempt: number | null = null
  /** Whether the stream has reported that no more output follows. */
  #isOver = false

  /** `closed` is called when the panel closes, with the number of the job that it showed. */
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
    this.#text.clear()
    this.#shownAttempt = null
    this.#attempts.clear()
    this.#follow(id)
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

  #follow(id: number): void {
    this.#isOver = false
    this.#events().follow(id)
  }

  /** Reads the job with its whole texts, which the table shortens, and its attempts. */
  async refresh(): Promise<void> {
    const id = this.#id
    if (id === null) return
    try {
      const [job, attempts] = await Promise.all([
        get<PageJob>(`jobs/${id}`),
        get<AttemptRecord[]>(`jobs/${id}/attempts`),
      ])
      if (this.#id !== id) return
      this.#showFacts(job)
      this.#attempts.show(attempts, job.error)
      // The job was queued again after the stream of its output had ended.
      if (this.#isOver && (job.state === 'queued' || job.state === 'running')) this.#follow(id)
    } catch (error) {
      notify(reasonOf(error))
    }
  }

  /**
   * Shows the output of an earlier attempt, or, if `attempt` is null, the output of the latest attempt while it is
   * written.
   */
  async #showAttempt(attempt: number | null): Promise<void> {
    const id = this.#id
    if (id === null) return
    if (attempt === null) {
      this.#follow(id)
      return
    }
    try {
      const output = await get<PageOutput>(`jobs/${id}/attempts/${attempt}`)
      if (this.#id !== id || this.#attempts.chosen !== attempt) return
      this.#showFromBeginning(output)
    } catch (error) {
      notify(reasonOf(error))
    }
  }

  #showFacts(job: PageJob): void {
    setText(this.#title, `Job ${job.id}: ${job.kind}`)
    const state = make('span', 'state', job.state)
    const facts: [string, string | Node | null][] = [
      ['State', state],
      ['Error', job.error],
      ['Result', job.result],
      ['Payload', job.payload],
      ['Attempts', String(job.attempts)],
      ['Retries', job.retries === 0 ? null : `${job.retries} after a failure`],
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
    ]
    const shown = facts.filter(([, value]) => value !== null) as [string, string | Node][]
    this.#facts.replaceChildren(
      ...shown.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]),
    )
    this.#facts.dataset['state'] = job.state
  }

  /** Called when a part of the latest attempt's output has arrived. */
  take(event: 'log' | 'output' | 'end', output: PageOutput): void {
    if (output.job !== this.#id) return
    if (event === 'end') this.#isOver = true
    if (event === 'end' || this.#attempts.chosen !== null) return
    if (event === 'log') this.#showFromBeginning(output)
    else this.#text.add(output)
  }

  /**
   * Shows the output of an attempt from its beginning. The stream sends the output of a job from its beginning again
   * when another tab opens the job, and after a lost connection.
   */
  #showFromBeginning(output: PageOutput): void {
    if (output.attempt === this.#shownAttempt) {
      this.#text.replace(output)
      return
    }
    this.#shownAttempt = output.attempt
    this.#text.clear()
    this.#text.add(output)
  }
}
