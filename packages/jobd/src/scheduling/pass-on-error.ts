import { ReplyError } from '@tasktree/actor'

/**
 * Returns the error that the asker of the scheduler gets for an error of the store. An error that the store gives as
 * its answer is passed on unchanged. If the store has ended, the asker gets a ReplyError, because the scheduler will be
 * restarted after the store.
 */
export function passOn(error: unknown): unknown {
  if (error instanceof ReplyError) return error
  return new ReplyError('the store is being started again', { cause: error })
}
