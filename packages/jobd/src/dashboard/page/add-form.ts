import { find, make, setText } from './element.ts'
import { notify } from './notice.ts'
import { change, reasonOf } from './requests.ts'

const form = find('add', HTMLFormElement)
const kind = find('kind', HTMLSelectElement)
const payload = find('payload', HTMLInputElement)
const error = find('add-error', HTMLParagraphElement)

/** The form for a new job, with every option of JOB.ADD. If the server refuses the job, the form shows the reason. */
export class AddForm {
  #placeholders: Readonly<Record<string, string>> = {}

  constructor() {
    kind.addEventListener('change', () => this.#showPlaceholder())
    form.addEventListener('input', () => this.#say(''))
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#add()
    })
  }

  focus(): void {
    payload.focus()
  }

  /** Shows the kinds of jobs. `kinds` has the placeholder for an empty payload field of each kind. */
  show(kinds: Readonly<Record<string, string>>): void {
    this.#placeholders = kinds
    const chosen = kind.value
    kind.replaceChildren(...Object.keys(kinds).map((name) => make('option', '', name)))
    if (chosen in kinds) kind.value = chosen
    this.#showPlaceholder()
  }

  #showPlaceholder(): void {
    payload.placeholder = this.#placeholders[kind.value] ?? ''
  }

  #say(text: string): void {
    setText(error, text)
    if (text === '') payload.removeAttribute('aria-invalid')
    else payload.setAttribute('aria-invalid', 'true')
  }

  async #add(): Promise<void> {
    const options = [...form.querySelectorAll<HTMLInputElement>('.options input')]
      .filter(({ value }) => value.trim() !== '')
      .map(({ name, value }) => [name, value.trim()])
    const body = { kind: kind.value, payload: payload.value, options: Object.fromEntries(options) }
    try {
      const { id } = await change<{ id: number }>('jobs', body)
      this.#say('')
      notify(`Job ${id} is added`)
      payload.value = ''
    } catch (failure) {
      this.#say(reasonOf(failure))
      notify(reasonOf(failure))
    }
  }
}
