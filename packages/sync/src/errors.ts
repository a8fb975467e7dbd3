/**
 * Thrown by `acquireNowait`, `sendNowait` and `receiveNowait` when the call would have to wait. Source: trio.WouldBlock
 */
export class WouldBlock extends Error {
  override readonly name: string = 'WouldBlock'
  readonly code: string = 'ERR_SYNC_WOULD_BLOCK'
  constructor(lack: string, waiting: string) {
    super(`${lack}: await ${waiting}, or try again later`)
  }

  static {
    brand(this.prototype, 'WouldBlock')
  }
}

/** Thrown by `getNowait` when the queue is empty and not shut down. Source: asyncio.QueueEmpty */
export class QueueEmpty extends Error {
  override readonly name: string = 'QueueEmpty'
  readonly code: string = 'ERR_SYNC_QUEUE_EMPTY'
  constructor() {
    super('the queue is empty: await get(), or look at empty() first')
  }

  static {
    brand(this.prototype, 'QueueEmpty')
  }
}

/** Thrown by `putNowait` when the queue is full and not shut down. Source: asyncio.QueueFull */
export class QueueFull extends Error {
  override readonly name: string = 'QueueFull'
  readonly code: string = 'ERR_SYNC_QUEUE_FULL'
  constructor(maxsize: number) {
    super(`the queue holds its ${maxsize} items: await put(), or look at full() first`)
  }

  static {
    brand(this.prototype, 'QueueFull')
  }
}

/** The queue was shut down. Source: asyncio.QueueShutDown */
export class QueueShutDown extends Error {
  override readonly name: string = 'QueueShutDown'
  readonly code: string = 'ERR_SYNC_QUEUE_SHUT_DOWN'
  constructor() {
    super('the queue has been shut down: it takes no more items, and what was left has been taken')
  }

  static {
    brand(this.prototype, 'QueueShutDown')
  }
}

/** The barrier was reset or aborted. Source: threading.BrokenBarrierError */
export class BrokenBarrierError extends Error {
  override readonly name: string = 'BrokenBarrierError'
  readonly code: string = 'ERR_SYNC_BROKEN_BARRIER'

  static {
    brand(this.prototype, 'BrokenBarrierError')
  }
}

/**
 * `send`, `sendNowait` or `clone` was called on a handle of a channel that is closed, or `publish` on a broadcast that
 * is closed. A `send` or `publish` that waits fails with this error too. Source: trio.ClosedResourceError
 */
export class ChannelClosed extends Error {
  override readonly name: string = 'ChannelClosed'
  readonly code: string = 'ERR_SYNC_CHANNEL_CLOSED'
  constructor(
    message = 'this handle of the channel is closed, and cannot send: give each sender a handle of its own, made by clone() before the close, and close it after its last send',
  ) {
    super(message)
  }

  static {
    brand(this.prototype, 'ChannelClosed')
  }
}

/** Every handle of the channel is closed, and every item has been received. Source: trio.EndOfChannel */
export class EndOfChannel extends Error {
  override readonly name: string = 'EndOfChannel'
  readonly code: string = 'ERR_SYNC_END_OF_CHANNEL'
  constructor() {
    super('the channel has ended: every handle is closed and nothing is left')
  }

  static {
    brand(this.prototype, 'EndOfChannel')
  }
}

/** Marks a class with a symbol that every copy of the package shares, as the error classes of core are marked. */
function brand(prototype: object, name: string): void {
  Object.defineProperty(prototype, Symbol.for(`@tasktree/core.${name}`), { value: true })
}
