import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'

/** The folders to search for nats-server. Debian installs it in /usr/sbin, which is not on the path of every user. */
const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/bin'].join(delimiter)

function findServer(): string | null {
  try {
    return execFileSync('which', ['nats-server'], { encoding: 'utf8', env: { PATH: path } }).trim()
  } catch {
    return null
  }
}

const serverProgram: string | null = findServer()
/** The reason to skip the tests that need a real server, or false if they can run. */
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

const withJetStream = ['-js']

/** A nats-server of a test, which can be killed, paused and started again on the same data. */
export class NatsServer implements AsyncDisposable {
  readonly #flags: readonly string[]
  readonly #address: string
  #port = 0
  #data: string | null = null
  #child: ChildProcess | null = null
  #namespaces = 0

  constructor(flags: readonly string[], address = '127.0.0.1') {
    this.#flags = flags
    this.#address = address
  }

  static async start(
    flags: readonly string[] = withJetStream,
    address?: string,
  ): Promise<NatsServer> {
    const server = new NatsServer(flags, address)
    await server.start()
    return server
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  /** Returns the options of a cluster in a namespace that no other test uses. */
  newCluster(): { servers: string; namespace: string } {
    return { servers: this.url, namespace: `t${++this.#namespaces}` }
  }

  async start(): Promise<void> {
    this.#port = await freePort()
    this.#data = mkdtempSync(join(tmpdir(), 'tasktree nats-'))
    await this.restart()
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async restart(): Promise<void> {
    const where = ['-a', this.#address, '-p', String(this.#port), '-sd', this.#data as string]
    const flags = [...where, ...this.#flags]
    this.#child = spawn(serverProgram as string, flags, { stdio: 'ignore' })
    for (let tries = 0; tries < 200; tries++) {
      if (await canConnect(this.#port)) return
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

  /**
   * Copies the file in which the server keeps the last sequence of a stream that is empty now. A test calls the returned function
   * later, when the stream is empty again and the server was killed. It restores the copy. The server then looks as if it had been
   * killed after it had emptied the file of the messages, and before it had written the new last sequence. The result is null if
   * this version of the server keeps the sequence in another file.
   */
  rememberSequences(stream: string): (() => void) | null {
    const folder = join(this.#data as string, 'jetstream', '$G', 'streams', stream, 'msgs')
    const [messages, index] = [join(folder, '1.blk'), join(folder, '1.idx')]
    if (!existsSync(index)) return null
    const content = readFileSync(index)
    return () => {
      if (readFileSync(messages).length > 0) throw new Error('the stream is not empty')
      writeFileSync(index, content)
    }
  }

  /** Whether the server has written the state of a consumer to its file since the last change of the stream. */
  hasNoted(stream: string, consumer: string): boolean {
    const folder = join(this.#data as string, 'jetstream', '$G', 'streams', stream)
    const time = (file: string): number => statSync(join(folder, file)).mtimeMs
    return time(join('obs', consumer, 'o.dat')) > time(join('msgs', '1.blk'))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    if (this.#data !== null) rmSync(this.#data, { recursive: true, force: true })
  }
}

/**
 * Defines a group of tests that share one server. The server starts before the first test and stops after the last one. On a
 * machine without nats-server the tests are skipped.
 */
export function describeWithServer(
  name: string,
  tests: (server: NatsServer) => void,
  flags: readonly string[] = withJetStream,
): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  describe(name, () => {
    skipEach(withoutServer)
    const server = new NatsServer(flags)
    beforeAll(async () => {
      if (withoutServer === false) await server.start()
    })
    afterAll(() => server[Symbol.asyncDispose]())
    tests(server)
  })
}

/** Skips all tests of the group in which it is called, unless `obstacle` is false. The report shows `obstacle` as the reason. */
export function skipEach(obstacle: string | false): void {
  beforeEach(({ skip }) => {
    if (obstacle !== false) skip(obstacle)
  })
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
