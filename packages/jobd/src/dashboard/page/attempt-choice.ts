import type { AttemptRecord } from '../../jobs/job.ts'
import { formatDuration } from './durations.ts'
import { find, make, setText } from './element.ts'

/**
 * Lets the reader choose which attempt of a job the panel shows. Without a choice the panel shows the latest attempt.
 */
export class AttemptChoice {
  readonly #field = find('attempts', HTMLFieldSetElement)
  readonly #outcome = find('attempt-outcome', HTMLParagraphElement)
  readonly #choices = new Map<number, HTMLInputElement>()
  readonly #choose: (attempt: number | null) => void
  #records: readonly AttemptRecord[] = []
  /** The error that the facts of the job show. */
  #jobError: string | null = null
  #chosen: number | null = null

  /**
   * `choose` is called with the attempt that the reader has chosen, or null for the latest attempt, even if another
   * attempt begins later.
   */
  constructor(choose: (attempt: number | null) => void) {
    this.#choose = choose
    this.#field.addEventListener('change', (event) => {
      const attempt = Number((event.target as HTMLInputElement).value)
      this.#chosen = attempt === this.#records.at(-1)?.attempt ? null : attempt
      this.#showOutcome()
      this.#choose(this.#chosen)
    })
  }

  /** The attempt that the reader has chosen; null for the latest attempt. */
  get chosen(): number | null {
    return this.#chosen
  }

  /** Called when the panel shows another job. */
  clear(): void {
    this.#chosen = null
    this.show([], null)
  }

  /** Shows the attempts of a job. `jobError` is the error of the job itself. */
  show(records: readonly AttemptRecord[], jobError: string | null): void {
    this.#records = records
    this.#jobError = jobError
    const attempts = new Set(records.map(({ attempt }) => attempt))
    for (const [attempt, input] of this.#choices) {
      if (attempts.has(attempt)) continue
      input.parentElement?.remove()
      this.#choices.delete(attempt)
    }
    for (const { attempt, state } of records) {
      const input = this.#choices.get(attempt) ?? this.#add(attempt)
      const label = input.nextElementSibling as HTMLElement
      label.dataset['state'] = state
      setText(label, `${attempt} ${state}`)
    }
    this.#field.hidden = records.length < 2
    // If the server no longer has the chosen attempt, the latest attempt is shown.
    const isGone = this.#chosen !== null && !attempts.has(this.#chosen)
    if (isGone) this.#chosen = null
    const shown = this.#choices.get(this.#chosen ?? records.at(-1)?.attempt ?? 0)
    if (shown !== undefined) shown.checked = true
    this.#showOutcome()
    if (isGone && records.length > 0) this.#choose(null)
  }

  #add(attempt: number): HTMLInputElement {
    const input = make('input')
    input.type = 'radio'
    input.name = 'attempt'
    input.value = String(attempt)
    this.#field.append(make('label', '', input, make('span')))
    this.#choices.set(attempt, input)
    return input
  }

  /**
   * Shows how the chosen attempt went. The line is hidden if the job has only one attempt and the facts of the job show
   * everything about that attempt.
   */
  #showOutcome(): void {
    const latest = this.#records.at(-1)
    const record = this.#records.find(({ attempt }) => attempt === this.#chosen) ?? latest
    // The error of the latest attempt is often the error of the job, which the facts show. The facts do not show it if
    // the attempt was lost, or if the job was cancelled before its next attempt.
    const isInFacts = record === latest && record?.error === this.#jobError
    const error = isInFacts ? null : (record?.error ?? null)
    this.#outcome.hidden = record === undefined || (this.#records.length < 2 && error === null)
    if (record === undefined) return
    const { attempt, startedAt, endedAt, outputSize } = record
    const parts = [
      `Attempt ${attempt}`,
      startedAt === null ? '' : `began ${new Date(startedAt).toLocaleString()}`,
      startedAt === null || endedAt === null ? '' : `took ${formatDuration(endedAt - startedAt)}`,
      // While the attempt runs, this number would be out of date.
      endedAt === null ? '' : `wrote ${outputSize.toLocaleString()} bytes`,
    ]
    const text = parts.filter((part) => part !== '').join(', ')
    setText(this.#outcome, error === null ? text : `${text}: ${error}`)
  }
}
