/** `getNowait` found nothing. Source: asyncio.QueueEmpty */
export class QueueEmpty extends Error {
  override readonly name: string = 'QueueEmpty'
  readonly code: string = 'ERR_SYNC_QUEUE_EMPTY'

  constructor(message = 'the queue is empty: await get() to wait for an item') {
    super(message)
  }
}

/** `putNowait` found no room. Source: asyncio.QueueFull */
export class QueueFull extends Error {
  override readonly name: string = 'QueueFull'
  readonly code: string = 'ERR_SYNC_QUEUE_FULL'

  constructor(message = 'the queue is full: await put() to wait for room') {
    super(message)
  }
}

/** The queue was shut down: it takes no more items, and has none left to give. Source: asyncio.QueueShutDown */
export class QueueShutDown extends Error {
  override readonly name: string = 'QueueShutDown'
  readonly code: string = 'ERR_SYNC_QUEUE_SHUT_DOWN'

  constructor(message = 'the queue was shut down') {
    super(message)
  }
}

/** The barrier was aborted, or reset while tasks waited at it. Source: asyncio.BrokenBarrierError */
export class BrokenBarrierError extends Error {
  override readonly name: string = 'BrokenBarrierError'
  readonly code: string = 'ERR_SYNC_BROKEN_BARRIER'
}

/** A send on a channel handle that was closed. Source: trio.ClosedResourceError */
export class ChannelClosed extends Error {
  override readonly name: string = 'ChannelClosed'
  readonly code: string = 'ERR_SYNC_CHANNEL_CLOSED'

  constructor(message = 'this handle of the channel is closed: send on a clone that is open') {
    super(message)
  }
}

/** Every handle of the channel is closed and everything sent was received. Source: trio.EndOfChannel */
export class EndOfChannel extends Error {
  override readonly name: string = 'EndOfChannel'
  readonly code: string = 'ERR_SYNC_END_OF_CHANNEL'

  constructor(message = 'the channel has ended: every handle is closed and nothing is left') {
    super(message)
  }
}
