import { readStep, storeStep } from './stored-value.ts'

/** The steps of one attempt. Steps that earlier attempts committed are answered from memory. */
export class Steps {
  readonly #known: Map<string, string>
  readonly #underWay = new Set<string>()
  readonly #save: (name: string, text: string) => PromiseLike<void> | void

  /** `save` is called with the result of each new step, as it is to be kept. */
  constructor(
    known: Iterable<readonly [name: string, text: string]>,
    save: (name: string, text: string) => PromiseLike<void> | void,
  ) {
    this.#known = new Map(known)
    this.#save = save
  }

  /** Each caller gets what a later attempt would get: a copy by way of JSON. */
  readonly run = async <T>(name: string, work: () => T | PromiseLike<T>): Promise<T> => {
    if (typeof name !== 'string' || name === '')
      throw new TypeError(`the name of a step must be a text, got ${JSON.stringify(name)}`)
    const known = this.#known.get(name)
    if (known !== undefined) return readStep(known) as T
    if (this.#underWay.has(name)) throw new Error(`step '${name}' is under way already`)
    this.#underWay.add(name)
    try {
      const text = storeStep(name, await work())
      await this.#save(name, text)
      this.#known.set(name, text)
      return readStep(text) as T
    } finally {
      this.#underWay.delete(name)
    }
  }
}
