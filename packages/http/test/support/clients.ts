import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that sends any bytes, and collects the text that comes back. */
export class RawClient {
  readonly socket: Socket
  text = ''
  #waiters: (() => void)[] = []
  hasEnded = false
  isReset = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.text += chunk
      this.#wake()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') this.isReset = true
    })
    socket.on('end', () => {
      this.hasEnded = true
      this.#wake()
    })
    socket.on('close', () => {
      this.hasEnded = true
      this.#wake()
    })
  }

  static async open(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Sends a request without a body. */
  get(path: string, headers: string[] = []): void {
    this.socket.write(
      ['GET ' + path + ' HTTP/1.1', 'Host: localhost', ...headers, '', ''].join('\r\n'),
    )
  }

  /** Waits until the received text contains `text`. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      if (this.hasEnded) throw new Error(`the connection ended after ${JSON.stringify(this.text)}`)
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  async untilEnd(): Promise<string> {
    while (!this.hasEnded) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.text
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  leave(): void {
    this.socket.destroy()
  }
}

export interface CurlResult {
  code: number | null
  stdout: string
}

/** Starts curl. The returned function `leave` ends it in the middle of its request. */
export function curl(...args: string[]): { result: Promise<CurlResult>; leave: () => void } {
  const child: ChildProcess = spawn('curl', ['-sS', '--no-progress-meter', '-N', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  const result = new Promise<CurlResult>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout }))
  })
  return { result, leave: () => void child.kill('SIGKILL') }
}
