import type { JsonForm } from './json-form.ts'
import { readStep, storeStep } from './stored-value.ts'

/**
 * Runs the steps of one attempt. For a step that an earlier attempt has committed, returns the stored result and does
 * not run the step again. The code of an attempt may go on after the end of the attempt. Such code can run no step,
 * because the next attempt runs the step.
 */
export class Steps {
  readonly #known: Map<string, string>
  readonly #underWay = new Set<string>()
  readonly #save: (name: string, text: string) => PromiseLike<void> | void
  readonly #isOver: () => boolean

  /**
   * `known` has the results that earlier attempts committed. `save` stores the result of a new step. `isOver` says
   * whether the attempt has ended.
   */
  constructor(
    known: Iterable<readonly [name: string, text: string]>,
    save: (name: string, text: string) => PromiseLike<void> | void,
    isOver: () => boolean,
  ) {
    this.#isOver = isOver
    this.#known = new Map(known)
    this.#save = save
  }

  /**
   * Runs a step, or returns its stored result. The result of a new step is also read back from JSON, so that the caller
   * gets the same value as a later attempt.
   */
  readonly run = async <T>(name: string, work: () => T | PromiseLike<T>): Promise<JsonForm<T>> => {
    if (typeof name !== 'string' || name === '' || !name.isWellFormed())
      throw new TypeError(`the name of a step must be a text, got ${JSON.stringify(name)}`)
    this.#checkAttempt(name)
    const known = this.#known.get(name)
    if (known !== undefined) return readStep(known) as JsonForm<T>
    if (this.#underWay.has(name)) throw new Error(`step '${name}' is under way already`)
    this.#underWay.add(name)
    try {
      const text = storeStep(name, await work())
      this.#checkAttempt(name)
      await this.#save(name, text)
      this.#known.set(name, text)
      return readStep(text) as JsonForm<T>
    } finally {
      this.#underWay.delete(name)
    }
  }

  /** @throws {Error} when the attempt has ended */
  #checkAttempt(name: string): void {
    if (this.#isOver())
      throw new Error(`step '${name}' is refused: this attempt of the job is over`)
  }
}
