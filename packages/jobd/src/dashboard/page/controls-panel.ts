import type { PageControls } from '../page-events.ts'
import { confirm } from './confirm.ts'
import { find, make, setText } from './element.ts'
import { notify } from './notice.ts'
import { change, get, post, reasonOf } from './requests.ts'

/** Milliseconds between two reads of the settings. */
const lookTime = 5_000

type KindControls = PageControls['kinds'][number]
type Rate = KindControls['limits']['rate']

/** The panel with the settings that an operator can change: pauses, limits and schedules. */
export class ControlsPanel {
  readonly #kinds = find('kind-rows', HTMLTableSectionElement)
  readonly #schedules = find('schedule-rows', HTMLTableSectionElement)
  readonly #none = find('no-schedules', HTMLParagraphElement)
  readonly #pauseAll = find('pause-all', HTMLButtonElement)
  readonly #every = find('every', HTMLFormElement)
  readonly #error = find('every-error', HTMLParagraphElement)
  readonly #everyKind = find('every-kind', HTMLSelectElement)
  #shownKinds = ''
  #shownSchedules = ''
  #isAllPaused = false

  constructor() {
    this.#pauseAll.addEventListener(
      'click',
      () => void this.#do(this.#isAllPaused ? 'resume' : 'pause', []),
    )
    find('reload-kinds', HTMLButtonElement).addEventListener('click', () => {
      void this.#do('reload', [], 'The kinds are read again')
    })
    this.#every.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#addSchedule()
    })
    setInterval(() => {
      if (!document.hidden) void this.look()
    }, lookTime)
  }

  async look(): Promise<void> {
    try {
      this.#show(await get<PageControls>('controls'))
    } catch {
      // The request failed because the server is restarting. The event stream shows that, and the next request succeeds.
    }
  }

  async #do(command: string, words: string[], done?: string): Promise<void> {
    if ((await post(`commands/${command}`, { words })) !== null && done !== undefined) notify(done)
    await this.look()
  }

  #show({ isAllPaused, kinds, schedules }: PageControls): void {
    const focused = document.activeElement?.id ?? ''
    this.#isAllPaused = isAllPaused
    setText(this.#pauseAll, isAllPaused ? 'Resume all' : 'Pause all')
    // Rows that have not changed are not made again, so that the focus and a half-typed text stay. The schedules may
    // change at each look.
    const shownKinds = JSON.stringify([isAllPaused, kinds])
    if (shownKinds !== this.#shownKinds) {
      this.#shownKinds = shownKinds
      this.#showKinds(kinds)
    }
    const shownSchedules = JSON.stringify(schedules)
    if (shownSchedules !== this.#shownSchedules) {
      this.#shownSchedules = shownSchedules
      this.#schedules.replaceChildren(...schedules.map((each) => this.#scheduleRow(each)))
      this.#none.hidden = schedules.length > 0
    }
    if (focused !== '' && document.activeElement?.id !== focused)
      document.querySelector<HTMLElement>(`#${CSS.escape(focused)}`)?.focus()
  }

  #showKinds(kinds: readonly KindControls[]): void {
    this.#kinds.replaceChildren(...kinds.map((kind) => this.#kindRow(kind)))
    const chosen = this.#everyKind.value
    this.#everyKind.replaceChildren(...kinds.map(({ name }) => make('option', '', name)))
    if (chosen !== '') this.#everyKind.value = chosen
  }

  #kindRow(kind: KindControls): HTMLTableRowElement {
    const { name, pool, isPaused, limits } = kind
    const head = make('th', '', name)
    head.scope = 'row'
    if (pool !== null) head.append(make('small', '', ` in ${pool}`))
    const field = (
      label: string,
      option: string,
      value: string,
      words: (text: string) => string[],
    ) => {
      const input = make('input')
      input.id = `limit-${option}-${name}`
      input.value = value
      input.placeholder = 'none'
      input.ariaLabel = `${label} of ${name}`
      input.addEventListener('change', () => {
        void this.#do('limit', [name, ...words(input.value.trim())], `${name}: ${label} is changed`)
      })
      return make('td', '', input)
    }
    const button = make('button', 'small', isPaused ? 'Resume' : 'Pause')
    button.type = 'button'
    button.id = `pause-${name}`
    button.disabled = this.#isAllPaused
    button.ariaLabel = `${isPaused ? 'Resume' : 'Pause'} ${name}`
    button.addEventListener('click', () => void this.#do(isPaused ? 'resume' : 'pause', [name]))
    const row = make(
      'tr',
      isPaused ? 'is-paused' : '',
      head,
      field('jobs at once', 'concurrency', numberText(limits.concurrency), (text) => [
        'CONCURRENCY',
        text === '' ? 'none' : text,
      ]),
      field('rate', 'rate', rateText(limits.rate), rateWords),
      field('jobs at once in a group', 'group', numberText(limits.groupConcurrency), (text) => [
        'GROUP',
        text === '' ? 'none' : text,
      ]),
      make('td', 'actions', button),
    )
    return row
  }

  #scheduleRow(schedule: PageControls['schedules'][number]): HTMLTableRowElement {
    const { name, spec, zone, kind, payload, nextAt, lastAt, lastJob } = schedule
    const head = make('th', '', name)
    head.scope = 'row'
    const times = /^\d+$/.test(spec)
      ? `each ${spec} ms`
      : `${spec}${zone === null ? '' : ` ${zone}`}`
    const button = make('button', 'small', 'Remove')
    button.type = 'button'
    button.id = `remove-${name}`
    button.ariaLabel = `Remove schedule ${name}`
    button.addEventListener('click', () => void this.#remove(name))
    return make(
      'tr',
      '',
      head,
      make('td', 'mono', times),
      make('td', 'mono', `${kind} ${payload}`),
      make('td', '', timeText(nextAt)),
      make('td', 'last', lastAt === null ? '–' : `${timeText(lastAt)}, job ${lastJob}`),
      make('td', 'actions', button),
    )
  }

  async #remove(name: string): Promise<void> {
    if (await confirm(`Remove the schedule ${name}? Its jobs stay.`, 'Remove'))
      await this.#do('unschedule', [name], `${name} is removed`)
  }

  async #addSchedule(): Promise<void> {
    const data = new FormData(this.#every)
    const text = (name: string): string => {
      const value = data.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    const words = [text('name'), text('spec'), text('kind'), text('payload')]
    if (text('zone') !== '') words.push('ZONE', text('zone'))
    try {
      await change('commands/every', { words })
      setText(this.#error, '')
      notify(`${words[0]} is scheduled`)
      this.#every.reset()
    } catch (error) {
      setText(this.#error, reasonOf(error))
    }
    await this.look()
  }
}

function numberText(n: number | null): string {
  return n === null ? '' : String(n)
}

function rateText(rate: Rate): string {
  if (rate === null) return ''
  const unit =
    { 1_000: 's', 60_000: 'm', 3_600_000: 'h', 86_400_000: 'd' }[rate.per] ?? String(rate.per)
  return `${rate.limit}/${unit}`
}

/** Reads a rate: 10/s, 10/m, 10/h, 10/d, or 10/500 for 10 in 500 milliseconds. */
function rateWords(text: string): string[] {
  if (text === '') return ['RATE', 'none']
  const [limit = '', unit = 's'] = text.split('/')
  const per = { s: '1000', m: '60000', h: '3600000', d: '86400000' }[unit] ?? unit
  return ['RATE', limit, 'PER', per]
}

function timeText(time: number | null): string {
  return time === null ? 'never' : new Date(time).toLocaleString()
}
