import { type CancelledError, checkpoint, isCancelled } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkCount,
  checkOptions,
  Claim,
  waitAnyway,
} from '@tasktree/core/lowlevel'
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
   * How many bytes of datagrams the socket keeps until they are received. Each datagram counts 100 bytes more than its
   * data. When the limit is exceeded, the oldest datagrams are dropped.
   *
   * @defaultValue 1048576
   */
  limit?: number | undefined
}

const DEFAULT_LIMIT = 1_048_576
/**
 * The approximate memory of a datagram besides its bytes. Without this amount, empty datagrams would not count at all.
 */
const OVERHEAD = 100

/** One datagram, and the address of its sender. */
export type Datagram = [data: Buffer, address: DatagramAddress]

/**
 * The future of a caller that waits in `receive`. It takes its datagram only when the caller continues, so a caller
 * that is cancelled before takes no datagram. Null means that the socket has closed.
 */
class Receive extends Claim<Datagram | null> {
  readonly #take: () => Datagram | null | undefined
  readonly #leave: (receive: Receive) => void

  /** @param take a function that takes the next datagram. It returns undefined if the caller must go on waiting. */
  constructor(take: () => Datagram | null | undefined, leave: (receive: Receive) => void) {
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
      const taken = this.#take()
      if (taken === undefined) return
      this.setResult(taken)
    } catch (error) {
      this.setException(error)
    }
    this.#leave(this)
  }

  protected override decline(): void {
    this.#leave(this)
  }
}

/** Keeps the datagrams that have arrived, in order, and the callers that wait for one. */
class Receiver implements DatagramProtocol {
  readonly flow = new FlowControl()
  readonly #limit: number
  /**
   * The datagrams that were not received yet, from the index `#head` on. When half of the array lies before `#head`,
   * that half is removed.
   */
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
    if (cancelIsDue()) await checkpoint()
    this.#throwError()
    if (this.flow.paused || this.flow.lost) await this.flow.drain(options)
  }

  async receive(options: WaitOptions | undefined): Promise<Datagram> {
    const datagram = await this.next(options)
    if (datagram === null) throw new ConnectionResetError('the socket is closed')
    return datagram
  }

  /** Waits for the next datagram and returns it. Returns null when the socket has closed. */
  async next(options: WaitOptions | undefined): Promise<Datagram | null> {
    // Otherwise a loop that always finds a datagram would never be cancelled.
    if (cancelIsDue()) await checkpoint()
    if (this.#waiting.size === 0 && this.#isReady()) return this.#take() as Datagram | null
    const receive = new Receive(this.#take, this.#leave)
    this.#waiting.add(receive)
    if (this.#isReady()) this.#wakeNext()
    return cancelOnAbort(receive, options?.signal)
  }

  #isReady(): boolean {
    return this.#datagrams.length > this.#head || this.#error !== null || this.flow.lost
  }

  /**
   * Takes the next datagram, or throws the error of the socket. Returns null when the socket has closed, and undefined when
   * there is nothing to take: the error for which a caller was woken may have been thrown to another caller.
   */
  readonly #take = (): Datagram | null | undefined => {
    this.#throwError()
    return this.#shift() ?? (this.flow.lost ? null : undefined)
  }

  #shift(): Datagram | undefined {
    const datagram = this.#datagrams[this.#head]
    if (datagram === undefined) return undefined
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

  /**
   * Wakes the first waiting caller. When that caller has taken its datagram or was cancelled, `#leave` wakes the next
   * caller, if there is something left to take.
   */
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
 * A UDP socket with methods to await: a task can send and receive datagrams, and iterate over them. Several tasks may
 * receive at the same time; each datagram goes to one task, in the order of their calls.
 *
 * @example
 *     await using server = await DatagramSocket.open({ localAddr: { host: '127.0.0.1' } })
 *     const [host, port] = server.getExtraInfo('sockname') as [string, number]
 *     await using client = await DatagramSocket.open({ remoteAddr: { host, port } })
 *     await client.send('ping')
 *     const [data] = await server.receive()
 *     console.log(data.toString()) // ping
 */
export class DatagramSocket implements AsyncIterable<Datagram>, AsyncDisposable {
  /** @internal the name that users see; without it, a bundler may rename the class to `_DatagramSocket` */
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
   * @throws {TypeError} for wrong arguments, before anything is opened
   * @throws {RangeError} for arguments whose value is out of range, before anything is opened
   * @throws {AddressInUseError} when the local address is in use; another OSError when opening fails for another reason
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

  /** How many datagrams were dropped because no task received them in time. */
  get dropped(): number {
    return this.#receiver.dropped
  }

  /**
   * Sends one datagram. If more than 64 KiB are then waiting to be sent, waits until at most 16 KiB are left. Pass no
   * address when the socket has a `remoteAddr`.
   *
   * @throws {TypeError} for data that is not bytes, and for an address of a wrong type
   * @throws {RangeError} for a port that is out of range
   * @throws {ConnectionResetError} when the socket is closed
   * @throws {OSError} if an earlier datagram could not be sent; each such error is thrown only once
   */
  send(data: Uint8Array | string, address?: DatagramAddress, options?: WaitOptions): Promise<void> {
    checkOptions(options)
    if (this.#transport.isClosing()) {
      return Promise.reject(new ConnectionResetError('the socket is closed'))
    }
    this.#transport.sendTo(data, address)
    return this.drain(options)
  }

  /**
   * If more than 64 KiB of datagrams are waiting to be sent, waits until at most 16 KiB are left.
   *
   * @throws {ConnectionResetError} when the socket is closed
   * @throws {OSError} if an earlier datagram could not be sent; each such error is thrown only once
   */
  drain(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#receiver.drain(options)
  }

  /**
   * Waits for the next datagram, and returns it with the address of its sender. A call that is cancelled takes no
   * datagram.
   *
   * @throws {ConnectionResetError} when the socket is closed, and every datagram that has arrived was received
   * @throws {OSError} if the system reports an error of the socket, such as a refusal by the remote address; each error
   * is thrown only once
   */
  receive(options?: WaitOptions): Promise<Datagram> {
    checkOptions(options)
    return this.#receiver.receive(options)
  }

  /** Iterates over the datagrams, until the socket is closed and every datagram that has arrived was received. */
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

  /** Closes the socket after the datagrams that were passed to `send` have been sent. */
  close(): void {
    this.#transport.close()
  }

  /** Closes the socket at once. Datagrams that were not sent yet are lost. */
  abort(): void {
    this.#transport.abort()
  }

  isClosing(): boolean {
    return this.#transport.isClosing()
  }

  waitClosed(options?: WaitOptions): Promise<void> {
    return this.#receiver.flow.waitClosed(options)
  }

  /**
   * Closes the socket and waits until it has closed. If the wait is cancelled, datagrams that are not sent yet are lost,
   * and the CancelledError is thrown when the socket has closed.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    try {
      await this.waitClosed()
    } catch (error) {
      this.abort()
      if (isCancelled(error)) await waitAnyway(() => this.waitClosed())
      throw error
    }
  }
}
