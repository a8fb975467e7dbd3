/** The primitive that a Releaser belongs to. */
export interface Lender {
  takeBack(held: Releaser): void
}

/**
 * The right to release a primitive once: `using _ = await lock.acquire()`. Releasing a second time does nothing.
 *
 * @example
 *     const lock = new Lock()
 *     {
 *       using _held: Releaser = await lock.acquire()
 *       console.log(lock.locked()) // true
 *     }
 *     console.log(lock.locked()) // false
 */
export class Releaser implements Disposable {
  #lender: Lender | null

  /** @internal */
  constructor(lender: Lender) {
    this.#lender = lender
  }

  /** @internal */
  get isReleased(): boolean {
    return this.#lender === null
  }

  release(): void {
    const lender = this.#lender
    this.#lender = null
    lender?.takeBack(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
