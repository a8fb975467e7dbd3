import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A plain TCP socket that sends and receives bytes without any protocol, like the program `nc`. */
export class RawSocket implements AsyncDisposable {
  readonly socket: Socket
  #received = ''
  #isClosed = false
  #changed: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1')
      this.#changed()
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.#isClosed = true
      this.#changed()
    })
  }

  static async open(port: number): Promise<RawSocket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawSocket(socket)
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Waits until the received text ends with `end`, and takes that text. */
  async until(end: string): Promise<string> {
    while (!this.#received.endsWith(end)) await this.#change(end)
    return this.#take()
  }

  /** Waits until the server has closed the connection, and takes the text that was received. */
  async untilClosed(): Promise<string> {
    while (!this.#isClosed) await this.#change('the end of the connection')
    return this.#take()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  #take(): string {
    const received = this.#received
    this.#received = ''
    return received
  }

  #change(what: string): Promise<void> {
    if (this.#isClosed)
      throw new Error(`closed before ${JSON.stringify(what)}: ${JSON.stringify(this.#received)}`)
    return new Promise((resolve) => {
      this.#changed = resolve
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }
}
