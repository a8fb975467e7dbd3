/** The primitive that a Releaser gives its hold back to. */
export interface Lender {
  takeBack(held: Releaser): void
}

/** One hold of a primitive: `using _ = await lock.acquire()`. Releasing it a second time does nothing. */
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
