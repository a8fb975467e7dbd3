import { ReplyError } from '@tasktree/actor'

/** The queue has as many jobs as it may have. */
export class QueueFull extends ReplyError {
  override readonly name: string = 'QueueFull'

  constructor(limit: number) {
    super(`${limit} jobs are queued, which is all there may be: try again later`)
  }
}
