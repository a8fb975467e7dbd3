import type { ActorContext } from '@tasktree/actor'
import { StoreError } from '../store/group-commit.ts'

/** Milliseconds between a failed attempt to write the jobs' file and the next attempt. */
export const storeRetryDelay = 1_000

/**
 * Calls `write` until it succeeds, and after that calls `done` in the actor. A StoreError says that the jobs' file
 * could not be written: `write` is called again. Any other error crashes the actor.
 */
export function retryWriting<T>(
  ctx: ActorContext,
  write: () => PromiseLike<T>,
  done: (value: T) => void,
): void {
  ctx.pipe(write(), done, (error) => {
    if (!(error instanceof StoreError)) throw error
    ctx.after(storeRetryDelay, () => retryWriting(ctx, write, done))
  })
}
