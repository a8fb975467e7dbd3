/** Who takes back what a Releaser holds. */
export interface Lender {
  takeBack(held: Releaser): void
}

/** Something held: `using _ = await lock.acquire()`. Releasing it twice does nothing. */
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
