import type { CancelledError } from '@tasktree/core'
import { cancelOnAbort, checkCount, checkOptions, Claim } from '@tasktree/core/lowlevel'
import { ConnectionResetError, FlowControl, type WaitOptions } from '@tasktree/streams'
import {
  checkDatagramOptions,
  type DatagramAddress,
  type DatagramOptions,
  type DatagramProtocol,
  type DatagramTransport,
  openEndpoint,
} from './datagram.ts'

export interface DatagramSocketOptions extends DatagramOptions {
  /**
   * How many bytes of datagrams are kept until they are received. Each datagram counts 100 bytes more than its data. When
   * there are more, the oldest datagram is dropped, as the system would drop a new one.
   *
   * @defaultValue 1048576
   */
  limit?: number | undefined
}

const DEFAULT_LIMIT = 1_048_576
/** The memory of a datagram beside its bytes, roughly. Without it, empty datagrams would not count at all. */
const OVERHEAD = 100

/** One datagram, and the address of its sender. */
export type Datagram = [data: Buffer, address: DatagramAddress]

/**
 * A receive that waits. It takes its datagram in its own turn, so a receive that is cancelled before it takes none.
 * Null means that the socket has closed.
 */
class Receive extends Claim<Datagram | null> {
  readonly #take: () => Datagram | null
  readonly #leave: (receive: Receive) => void

  constructor(take: () => Datagram | null, leave: (receive: Receive) => void) {
    super()
    this.#take = take
    this.#leave = leave
  }

  override cancel(msg?: string | CancelledError): boolean {
    const cancelled = super.cancel(msg)
    if (cancelled) this.#leave(this)
    return cancelled
  }

  protected override claim(): void {
    try {
      this.setResult(this.#take())
    } catch (error) {
      this.setException(error)
    }
    this.#leave(this)
  }

  protected override decline(): void {
    this.#leave(this)
  }
}

/** Keeps the datagrams that have arrived, in order, and the receives that wait for one. */
class Receiver implements DatagramProtocol {
  readonly flow = new FlowControl()
  readonly #limit: number
  /** The datagrams that wait, from the index `#head` on. The places before it are cut off when they are half of the array. */
  #datagrams: Datagram[] = []
  #head = 0
  readonly #waiting = new Set<Receive>()
  #bytes = 0
  #error: Error | null = null
  dropped = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  datagramReceived(data: Buffer, address: DatagramAddress): void {
    this.#datagrams.push([data, address])
    this.#bytes += data.length + OVERHEAD
    while (this.#bytes > this.#limit && this.#datagrams.length - this.#head > 1) {
      this.#shift()
      this.dropped++
    }
    this.#wakeNext()
  }

  errorReceived(error: Error): void {
    this.#error = error
    this.#wakeNext()
  }

  connectionLost(error: Error | null): void {
    this.flow.connectionLost(error)
    for (const receive of this.#waiting) receive.wake()
  }

  pauseWriting(): void {
    this.flow.pauseWriting()
  }

  resumeWriting(): void {
    this.flow.resumeWriting()
  }

  async drain(options: WaitOptions | undefined): Promise<void> {
    this.#throwError()
    if (this.flow.paused || this.flow.lost) await this.flow.drain(options)
  }

  async receive(options: WaitOptions | undefined): Promise<Datagram> {
    const datagram = await this.next(options)
    if (datagram === null) throw new ConnectionResetError('the socket is closed')
    return datagram
  }

  /** Waits for the next datagram; null when the socket has closed. */
  async next(options: WaitOptions | undefined): Promise<Datagram | null> {
    if (this.#waiting.size === 0 && this.#isReady()) return this.#take()
    const receive = new Receive(this.#take, this.#leave)
    this.#waiting.add(receive)
    if (this.#isReady()) this.#wakeNext()
    return cancelOnAbort(receive, options?.signal)
  }

  #isReady(): boolean {
    return this.#datagrams.length > this.#head || this.#error !== null || this.flow.lost
  }

  readonly #take = (): Datagram | null => {
    this.#throwError()
    return this.#shift()
  }

  #shift(): Datagram | null {
    const datagram = this.#datagrams[this.#head]
    if (datagram === undefined) return null
    this.#bytes -= datagram[0].length + OVERHEAD
    this.#head++
    if (this.#head * 2 >= this.#datagrams.length) {
      this.#datagrams = this.#datagrams.slice(this.#head)
      this.#head = 0
    }
    return datagram
  }

  readonly #leave = (receive: Receive): void => {
    this.#waiting.delete(receive)
    if (this.#isReady()) this.#wakeNext()
  }

  /** One at a time: each wakes the next one when it has had its turn. */
  #wakeNext(): void {
    for (const receive of this.#waiting) {
      receive.wake()
      return
    }
  }

  #throwError(): void {
    const error = this.#error
    this.#error = null
    if (error !== null) throw error
  }
}

/**
 * A UDP socket that a task awaits: it sends, receives and iterates over datagrams. Several tasks may receive at the
 * same time; each datagram goes to one of them, in the order in which they asked.
 */
export class DatagramSocket implements AsyncIterable<Datagram>, AsyncDisposable {
  /** @internal the bundler calls a class that names itself `_DatagramSocket` */
  static readonly name: string = 'DatagramSocket'

  readonly #receiver: Receiver
  readonly #transport: DatagramTransport

  private constructor(transport: DatagramTransport, receiver: Receiver) {
    this.#transport = transport
    this.#receiver = receiver
  }

  /**
   * Opens a UDP socket.
   *
   * @throws {TypeError} {@link RangeError} for wrong arguments, before anything is opened
   * @throws {AddressInUseError} and other OSErrors
   */
  static open(options: DatagramSocketOptions = {}): Promise<DatagramSocket> {
    checkDatagramOptions(options)
    if (options.limit !== undefined) checkCount('limit', options.limit, 1)
    return DatagramSocket.#open(options)
  }

  static async #open(options: DatagramSocketOptions): Promise<DatagramSocket> {
    const limit = options.limit ?? DEFAULT_LIMIT
    const [transport, receiver] = await openEndpoint(() => new Receiver(limit), options)
    return new DatagramSocket(transport, receiver)
  }

  get transport(): DatagramTransport {
    return this.#transport
  }

  /** How many datagrams were dropped because they were not received in time. */
  get dropped(): number {
    return this.#receiver.dropped
  }

  /**
   * Sends one datagram, and waits while more than 64 KiB are on their way. The address is left out when the socket has
   * a `remoteAddr`.
   *
   * @throws {TypeError} {@link RangeError} for data that is not bytes and for a wrong address
   * @throws {ConnectionResetError} when the socket is closed
   * @throws {OSError} the error of an earlier datagram that could not be sent, once
   */
  send(data: Uint8Array | string, address?: DatagramAddress, options?: WaitOptions): Promise<void> {
    checkOptions(options)
    if (this.#transport.isClosing()) return this.#receiver.flow.drain(options)
    this.#transport.sendTo(data, address)
    return this.drain(options)
  }

  /** Waits while more than 64 KiB of datagrams are on their way. @throws as `send` does */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#receiver.drain(options)
  }

  /**
   * The next datagram and the address of its sender. A cancelled receive takes none.
   *
   * @throws {ConnectionResetError} when the socket is closed
   * @throws {OSError} an error that the system reports for the socket, such as a refusal by the remote address, once
   */
  receive(options?: WaitOptions): Promise<Datagram> {
    checkOptions(options)
    return this.#receiver.receive(options)
  }

  /** The datagrams, until the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void> {
    for (;;) {
      const datagram = await this.#receiver.next(undefined)
      if (datagram === null) return
      yield datagram
    }
  }

  getExtraInfo(name: string, fallback: unknown = null): unknown {
    return this.#transport.getExtraInfo(name, fallback)
  }

  /** Sends the datagrams that were handed over, and then closes. */
  close(): void {
    this.#transport.close()
  }

  /** Closes at once; datagrams that are not sent yet are lost. */
  abort(): void {
    this.#transport.abort()
  }

  isClosing(): boolean {
    return this.#transport.isClosing()
  }

  waitClosed(options?: WaitOptions): Promise<void> {
    return this.#receiver.flow.waitClosed(options)
  }

  /** Closes and waits; when the wait is cancelled, datagrams that are not sent yet are lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    try {
      await this.waitClosed()
    } finally {
      this.abort()
    }
  }
}
