import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Debian keeps it in a folder that is not on everybody's path. */
const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/bin'].join(delimiter)

function findServer(): string | null {
  try {
    return execFileSync('which', ['nats-server'], { encoding: 'utf8', env: { PATH: path } }).trim()
  } catch {
    return null
  }
}

const serverProgram: string | null = findServer()
/** Why tests with a real server are skipped; false when they are not. */
export const withoutServer: string | false =
  serverProgram === null && 'nats-server is not installed (Debian: apt install nats-server)'

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** A nats-server of a test, which can be killed, paused and started again on the same data. */
export class NatsServer implements AsyncDisposable {
  readonly port: number
  readonly #data: string
  readonly #flags: readonly string[]
  readonly #address: string
  #child: ChildProcess | null = null

  constructor(port: number, flags: readonly string[], address: string) {
    this.#address = address
    this.port = port
    this.#flags = flags
    this.#data = mkdtempSync(join(tmpdir(), 'tasktree nats-'))
  }

  static async start(
    flags: readonly string[] = ['-js'],
    address = '127.0.0.1',
  ): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), flags, address)
    await server.restart()
    return server
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async restart(): Promise<void> {
    const flags = ['-a', this.#address, '-p', String(this.port), '-sd', this.#data, ...this.#flags]
    this.#child = spawn(serverProgram as string, flags, { stdio: 'ignore' })
    for (let tries = 0; tries < 200; tries++) {
      if (await canConnect(this.port)) return
      await delay(25)
    }
    throw new Error('nats-server did not start')
  }

  /** Ends the server, and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
