/** What `acquireNowait`, `sendNowait` or `receiveNowait` asks for is not there at once. Source: trio.WouldBlock */
export class WouldBlock extends Error {
  override readonly name: string = 'WouldBlock'
  readonly code: string = 'ERR_SYNC_WOULD_BLOCK'
  constructor(lack: string, waiting: string) {
    super(`${lack}: await ${waiting}, or try again later`)
  }
}

/** `getNowait` found the queue empty. Source: asyncio.QueueEmpty */
export class QueueEmpty extends Error {
  override readonly name: string = 'QueueEmpty'
  readonly code: string = 'ERR_SYNC_QUEUE_EMPTY'
  constructor() {
    super('the queue is empty: await get(), or look at empty() first')
  }
}

/** `putNowait` found the queue full. Source: asyncio.QueueFull */
export class QueueFull extends Error {
  override readonly name: string = 'QueueFull'
  readonly code: string = 'ERR_SYNC_QUEUE_FULL'
  constructor(maxsize: number) {
    super(`the queue holds its ${maxsize} items: await put(), or look at full() first`)
  }
}

/** The queue was shut down. Source: asyncio.QueueShutDown */
export class QueueShutDown extends Error {
  override readonly name: string = 'QueueShutDown'
  readonly code: string = 'ERR_SYNC_QUEUE_SHUT_DOWN'
  constructor() {
    super('the queue has been shut down')
  }
}

/** The barrier was reset or aborted. Source: threading.BrokenBarrierError */
export class BrokenBarrierError extends Error {
  override readonly name: string = 'BrokenBarrierError'
  readonly code: string = 'ERR_SYNC_BROKEN_BARRIER'
}

/** A send on a handle of a channel that is closed, or a publish on a closed broadcast. Source: trio.ClosedResourceError */
export class ChannelClosed extends Error {
  override readonly name: string = 'ChannelClosed'
  readonly code: string = 'ERR_SYNC_CHANNEL_CLOSED'
  constructor(message = 'this handle of the channel is closed: send on a clone that is open') {
    super(message)
  }
}

/** Every handle of the channel is closed, and all that was sent has been received. Source: trio.EndOfChannel */
export class EndOfChannel extends Error {
  override readonly name: string = 'EndOfChannel'
  readonly code: string = 'ERR_SYNC_END_OF_CHANNEL'
  constructor() {
    super('the channel has ended: every handle is closed and nothing is left')
  }
}
