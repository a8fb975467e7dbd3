import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The path of the built program. */
export const main: string = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A server in a new process, on a new file. */
export class Served implements AsyncDisposable {
  readonly port: number
  readonly page: string
  readonly #child: ChildProcess
  readonly folder: string
  /** The log of the server, which it writes to its standard error. */
  log = ''

  private constructor(child: ChildProcess, folder: string, port: number, page: string) {
    this.#child = child
    this.folder = folder
    this.port = port
    this.page = page
  }

  static async start(...options: string[]): Promise<Served> {
    const folder = await mkdtemp(join(tmpdir(), 'jobd-test-'))
    const words = ['serve', '--db', join(folder, 'jobs.sqlite'), '--port', '0', '--http', '0']
    // With no grace period, the server does not wait for jobs that a test has left running.
    words.push('--grace', '0')
    const child = spawn(process.execPath, [main, ...words, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    const keep = (chunk: Buffer): string => (errors += chunk.toString())
    child.stderr.on('data', keep)
    const lines = createInterface({ input: child.stdout })
    let port = 0
    for await (const line of lines) {
      port = Number(/listens on \S*:(\d+)/.exec(line)?.[1] ?? port)
      const page = /the page is ([^\s"]+)/.exec(line)?.[1]
      if (page === undefined) continue
      const served = new Served(child, folder, port, page)
      child.stderr.off('data', keep)
      child.stderr.on('data', (chunk: Buffer) => (served.log += chunk.toString()))
      return served
    }
    throw new Error(`the server has not started:\n${errors}`)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Closes the pipes that the server writes to. */
  stopReading(): void {
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  /** Waits until the server ends by itself. Returns its exit code, or null if a signal has ended it. */
  async ended(): Promise<number | null> {
    if (!this.#hasEnded) await once(this.#child, 'close')
    return this.#child.exitCode
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Sends SIGTERM and waits until the server has ended. Returns its exit code. */
  async stop(): Promise<number | null> {
    if (!this.#hasEnded) {
      const closed = once(this.#child, 'close')
      this.#child.kill('SIGTERM')
      await closed
    }
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}
