/** One hold of a lock or a permit. `using` releases it at the end of the block. */
export interface Releaser extends Disposable {
  /** Releases this hold, and no other. Does nothing when it was released already. */
  release(): void
}
