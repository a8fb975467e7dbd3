import type { ActorContext } from '@tasktree/actor'
import { StoreError } from '../store/group-commit.ts'

/** When the file could not be written, it is tried again after this many milliseconds. */
export const storeRetryDelay = 1_000

/** Writes, and tries again until the file takes it; then calls `done` in the actor. Any other error is the actor's. */
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
