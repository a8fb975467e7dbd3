/**
 * Requests as many messages of a consumer as the receiver has room for. Workers, the delay wheel and the mailboxes of entities
 * are receivers.
 *
 * When the consumer has stalled, the loop ends with ConsumerStalled, and its owner runs it again, with a new inbox.
 */
import type { Bus, ConsumerSettings, Delivery, ReaderSettings } from '../bus/bus.ts'
import { endSubscription } from './end-subscription.ts'
import type { Link } from './link.ts'
import { Signal } from './signal.ts'
import { checkInterval, StallWatchdog } from './stall-watchdog.ts'

/**
 * How many requests of a receiver the server may hold. The server holds 512 requests of a consumer for all workers of a
 * queue together, and refuses further ones. Without this limit, a worker whose 600 places become free one by one would have
 * 600 requests for one job each. The next request asks for all places that have become free meanwhile.
 */
const mostRequests = 4

export interface Receiver {
  /** While messages are requested, room for fewer than this is not worth another request. @defaultValue 1 */
  readonly batch?: number
  /** How many messages the receiver can take now. */
  readonly room: number
  take(delivery: Delivery): void
}

export class PullLoop {
  readonly #link: Link
  readonly #settings: ConsumerSettings | (() => ReaderSettings)
  readonly #receiver: Receiver
  readonly #changed = new Signal()
  #requestMore: () => void = () => {}
  /**
   * Whether the connection was lost since the consumer was opened. The server has then forgotten the requests, even if the
   * connection is back already.
   */
  #isLost = false

  /** `settings` is called for each consumer that is opened, if it is a function. */
  constructor(link: Link, settings: ConsumerSettings | (() => ReaderSettings), receiver: Receiver) {
    this.#link = link
    this.#settings = settings
    this.#receiver = receiver
  }

  /**
   * Called when the receiver has more room. The request is sent in this call, so that it leaves in one packet with the
   * other messages of this turn.
   */
  roomier(): void {
    this.#requestMore()
  }

  /**
   * Runs until it is cancelled. When it ends, it gives back the messages that are on their way to it, except those of a
   * consumer that only reads, which stay in the stream.
   *
   * @throws {ConsumerStalled} when the consumer gives no more messages, although the connection works
   */
  async run(): Promise<never> {
    const stop = this.#link.onStatus((status) => {
      if (status !== 'connected') this.#isLost = true
      this.#changed.notify()
    })
    try {
      for (;;) {
        const bus = await this.#link.connected()
        this.#isLost = bus.status !== 'connected'
        const settings = typeof this.#settings === 'function' ? this.#settings() : this.#settings
        await this.#link.insist((each) => each.openConsumer(settings))
        await this.#pull(bus, settings)
      }
    } finally {
      stop()
    }
  }

  /** Returns when the connection is lost. */
  async #pull(bus: Bus, settings: ConsumerSettings | ReaderSettings): Promise<void> {
    const { stream, name } = settings
    let requested = 0
    // How many messages each request still lacks, the oldest request first. This is a guess, because a delivery does not say
    // for which request it comes.
    const requests: number[] = []
    const answered = (count: number): void => {
      requested -= count
      let left = count
      for (let oldest = requests[0]; left > 0 && oldest !== undefined; oldest = requests[0]) {
        if (oldest > left) requests[0] = oldest - left
        else requests.shift()
        left -= oldest
      }
    }
    const watchdog = new StallWatchdog(bus, stream)
    let hasEnded = false
    const puller = bus.pull(stream, name, {
      onDelivery: (delivery) => {
        if (hasEnded) {
          // The server gives the message to another receiver now, and not only after `ackWait`.
          if ('ackWait' in settings) delivery.nak()
          return
        }
        answered(1)
        watchdog.heard()
        this.#receiver.take(delivery)
        this.#changed.notify()
      },
      onExpired: (count) => {
        answered(count)
        watchdog.heard()
        this.#changed.notify()
      },
      onHeartbeat: () => watchdog.heard(),
      onBroken: (why) => {
        watchdog.broke(why)
        this.#changed.notify()
      },
    })
    this.#requestMore = () => {
      const missing = this.#receiver.room - requested
      if (missing <= 0 || this.#isLost) return
      if (missing < (this.#receiver.batch ?? 1) && requested > 0) return
      if (requested > 0 && requests.length >= mostRequests) return
      if (requested <= 0) watchdog.heard()
      puller.request(missing)
      requested += missing
      requests.push(missing)
    }
    try {
      while (!this.#isLost) {
        watchdog.checkRequests()
        this.#requestMore()
        await this.#changed.wait(checkInterval)
        if (requested > 0) watchdog.checkSilence()
      }
    } finally {
      this.#requestMore = () => {}
      hasEnded = true
      await endSubscription(bus, () => puller.close())
    }
  }
}
