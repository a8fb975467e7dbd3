/** Something held: `using _ = await lock.acquire()`. Releasing it twice does nothing. */
export class Releaser implements Disposable {
  #release: ((self: Releaser) => void) | null

  /** @internal */
  constructor(release: (self: Releaser) => void) {
    this.#release = release
  }

  release(): void {
    const release = this.#release
    this.#release = null
    release?.(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
