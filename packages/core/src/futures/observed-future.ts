import { Future } from './future.ts'
import type { Reaction } from './reaction.ts'

/**
 * A future that is told when code begins to wait for it. A subclass uses that for work that depends on whether code
 * waits, such as work that is only done on demand.
 *
 * @example
 *     class Lazy extends ObservedFuture<string> {
 *       observed(): void {
 *         if (!this.done()) this.setResult('made when it was needed')
 *       }
 *     }
 *     console.log(await gather([new Lazy()])) // [ 'made when it was needed' ]
 */
export abstract class ObservedFuture<T> extends Future<T> {
  /**
   * Called each time code begins to wait for this pending future: by `await`, by `gather`, `wait`, `shield` and their
   * like, by `addDoneCallback` or by `observe`. The waiting code is resumed when the future has ended, so this method
   * may end it.
   */
  protected abstract observed(): void

  /** @internal */
  override react(reaction: Reaction): void {
    if (!this.done()) this.observed()
    super.react(reaction)
  }
}
