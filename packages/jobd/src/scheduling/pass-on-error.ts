import { ReplyError } from '@tasktree/actor'

/**
 * The error that a client of the scheduler gets for an error of the store. What the store answered is passed on; that the
 * store has ended is not, because the scheduler is about to be started anew after it.
 */
export function passOn(error: unknown): unknown {
  if (error instanceof ReplyError) return error
  return new ReplyError('the store is being started again', { cause: error })
}
