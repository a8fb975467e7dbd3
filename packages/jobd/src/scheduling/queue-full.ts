import { ReplyError } from '@tasktree/actor'

/** No room for another job. */
export class QueueFull extends ReplyError {
  override readonly name: string = 'QueueFull'

  constructor(limit: number) {
    super(`${limit} jobs are queued, which is all there may be: try again later`)
  }
}
