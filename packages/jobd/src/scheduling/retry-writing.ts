import type { ActorContext } from '@tasktree/actor'
import { StoreError } from '../store/group-commit.ts'

/** Milliseconds before the next attempt to write the file. */
export const storeRetryDelay = 1_000

/**
 * Calls `write` again and again until the file could be written, then calls `done` in the actor. Any other error than a
 * StoreError crashes the actor.
 */
export function retryWriting<T>(
  ctx: ActorContext,
  write: () => PromiseLike<T>,
  done: (value: T) => void,
): void {
  ctx.pipe(
    async () => write(),
    done,
    (error) => {
      if (!(error instanceof StoreError)) throw error
      ctx.after(storeRetryDelay, () => retryWriting(ctx, write, done))
    },
  )
}
