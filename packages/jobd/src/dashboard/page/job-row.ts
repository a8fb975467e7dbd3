import type { PageJob, PageProgress } from '../page-events.ts'
import { confirm } from './confirm.ts'
import { formatAge, formatDuration } from './durations.ts'
import { make, setText } from './element.ts'
import { notify } from './notice.ts'
import { post } from './requests.ts'
import { setReachable } from './roving.ts'

export async function cancel(id: number): Promise<void> {
  if ((await post(`jobs/${id}/cancel`)) !== null) notify(`Job ${id} is cancelled`)
}

export async function retry(id: number): Promise<void> {
  if ((await post(`jobs/${id}/retry`)) !== null) notify(`Job ${id} is queued again`)
}

/** Queues a job again that has ended. If the job is done, asks the user first, because its work would be done twice. */
export async function queueAgain({ id, state }: PageJob): Promise<void> {
  if (state === 'done' && !(await confirm(`Job ${id} is done. Do it again?`, 'Queue again'))) return
  if ((await post('commands/requeue', { words: [String(id)] })) !== null)
    notify(`Job ${id} is queued again`)
}

export function canCancel({ state }: PageJob): boolean {
  return state === 'queued' || state === 'running'
}

export function canRetry({ state }: PageJob): boolean {
  return state === 'failed' || state === 'cancelled'
}

export function canQueueAgain(job: PageJob): boolean {
  return !canCancel(job)
}

type Action = 'Cancel' | 'Retry' | 'Queue again'

function actionOf(job: PageJob): Action {
  if (canCancel(job)) return 'Cancel'
  return canRetry(job) ? 'Retry' : 'Queue again'
}

function cell(className: string): HTMLTableCellElement {
  const element = make('td', className)
  element.role = 'gridcell'
  return element
}

/** One job in the table. */
export class JobRow {
  readonly row = make('tr')
  #job: PageJob
  readonly #state = make('span', 'state')
  readonly #outcome = cell('outcome')
  readonly #attempts = cell('number attempts')
  readonly #took = cell('number took')
  readonly #age = cell('age')
  readonly #actions = cell('actions')
  #shownAction: Action | null = null

  constructor(job: PageJob) {
    this.#job = job
    this.row.role = 'row'
    this.row.tabIndex = -1
    this.row.ariaSelected = 'false'
    this.row.dataset['id'] = String(job.id)
    const [id, kind, payload, state] = [
      cell('number id'),
      cell('kind'),
      cell('payload'),
      cell('state-cell'),
    ]
    setText(id, String(job.id))
    setText(kind, job.kind)
    setText(payload, job.payload)
    payload.title = job.payload
    state.append(this.#state)
    this.row.append(id, kind, payload, state, this.#outcome)
    this.row.append(this.#attempts, this.#took, this.#age, this.#actions)
  }

  get job(): PageJob {
    return this.#job
  }

  show(job: PageJob, progress: PageProgress | undefined): void {
    this.#job = job
    this.row.dataset['state'] = job.state
    setText(this.#state, job.state)
    setText(this.#attempts, String(job.attempts))
    this.#showOutcome(progress)
    this.showAge()
    this.#showActions()
  }

  showAge(): void {
    const { startedAt, endedAt, state } = this.#job
    const isKnown = startedAt !== null && (endedAt !== null || state === 'running')
    setText(this.#took, isKnown ? formatDuration((endedAt ?? Date.now()) - startedAt) : '')
    setText(this.#age, formatAge(Date.now() - this.#job.createdAt))
  }

  #showOutcome(progress: PageProgress | undefined): void {
    const { id, state, result, error, notBefore } = this.#job
    const shown = this.#outcome
    shown.classList.toggle('is-error', state === 'failed')
    if (state === 'running') {
      let bar = shown.querySelector('progress')
      if (bar === null) {
        bar = make('progress')
        bar.ariaLabel = `Progress of job ${id}`
        shown.replaceChildren(make('div', 'progress', bar, make('span', 'share')))
      }
      if (progress === undefined || progress.total === 0) bar.removeAttribute('value')
      else {
        bar.max = progress.total
        bar.value = progress.done
        setText(bar.nextElementSibling as HTMLElement, shareOf(progress))
      }
      return
    }
    const early = notBefore - Date.now()
    const wait = state === 'queued' && early > 500 ? `begins in ${formatAge(early)}` : ''
    const text = (state === 'done' ? result : error) ?? ''
    setText(shown, [wait, text].filter((each) => each !== '').join(' · '))
    shown.title = text
  }

  #showActions(): void {
    const action = actionOf(this.#job)
    if (action === this.#shownAction) return
    this.#shownAction = action
    const hadFocus = this.#actions.contains(document.activeElement)
    this.#actions.replaceChildren(this.#button(action))
    setReachable(this.row, this.row.tabIndex === 0)
    // The button that had the focus was replaced. The focus goes to the row, so that the user stays there.
    if (hadFocus) this.row.focus()
  }

  #button(action: Action): HTMLButtonElement {
    const { id } = this.#job
    const button = make('button', 'small', action)
    button.type = 'button'
    button.ariaLabel = action === 'Queue again' ? `${action}: job ${id}` : `${action} job ${id}`
    button.addEventListener('click', (event) => {
      event.stopPropagation()
      if (action === 'Queue again') void queueAgain(this.#job)
      else void (action === 'Cancel' ? cancel(id) : retry(id))
    })
    return button
  }
}

function shareOf({ done, total }: PageProgress): string {
  return `${Math.floor((100 * done) / total)} %`
}
