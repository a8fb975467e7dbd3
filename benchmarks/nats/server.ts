import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Debian installs servers in /usr/sbin, which is not on the path of every user. */
const env = { ...process.env, PATH: [process.env['PATH'] ?? '', '/usr/sbin'].join(delimiter) }

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await delay(20)
    } finally {
      socket.destroy()
    }
  }
}

/** A server process with a folder of its own. `end` kills the process and removes the folder. */
export class Server {
  readonly port: number
  readonly #child: ChildProcess
  readonly #folder: string

  constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port
    this.#child = child
    this.#folder = folder
  }

  static async nats(): Promise<Server> {
    return Server.#start('nats-server', (port, folder) => [
      '-js',
      '-sd',
      folder,
      '-a',
      '127.0.0.1',
      '-p',
      String(port),
    ])
  }

  /** Starts redis-server as durable as nats-server is by default: it writes to its file at once, and syncs it from time to time. */
  static async redis(): Promise<Server> {
    return Server.#start('redis-server', (port, folder) => [
      '--port',
      String(port),
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
    ])
  }

  static async #start(
    program: string,
    flags: (port: number, folder: string) => string[],
  ): Promise<Server> {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), 'tasktree-bench-'))
    const child = spawn(program, flags(port, folder), { stdio: 'ignore', env })
    await untilOpen(port)
    return new Server(port, child, folder)
  }

  async end(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
