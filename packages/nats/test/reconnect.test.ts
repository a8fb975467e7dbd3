import { once } from 'node:events'
import { connect as dial, createServer, type Socket } from 'node:net'
import { connect } from '@tasktree/nats'
import { describe, expect, test } from 'vitest'
import { NatsServer, skipEach, withoutServer } from './support/server.ts'
import { until } from './support/tree.ts'

/** A TCP proxy to the server. It can cut a connection in the middle of the handshake, as happens when a server is killed. */
class Way implements AsyncDisposable {
  readonly #server = createServer((socket) => this.#accept(socket))
  readonly #sockets = new Set<Socket>()
  readonly #port: number
  /** How many connections have died in the middle of the handshake. */
  deaths = 0
  #isDeadly = false

  constructor(port: number) {
    this.#port = port
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `nats://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  #accept(socket: Socket): void {
    const server = dial(this.#port, '127.0.0.1')
    for (const each of [socket, server]) {
      this.#sockets.add(each)
      each.on('error', () => {}).on('close', () => this.#sockets.delete(each))
    }
    socket.on('close', () => server.destroy())
    server.on('close', () => socket.destroy()).pipe(socket)
    if (!this.#isDeadly) {
      socket.pipe(server)
      return
    }
    this.#isDeadly = false
    // The client has got the server's first line, and answers it.
    socket.once('data', () => {
      this.deaths++
      socket.destroy()
    })
  }

  /** Cuts the connections. The next one dies in its handshake, and later ones live. */
  cut(): void {
    this.#isDeadly = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

describe('a cluster', () => {
  skipEach(withoutServer)
  test(
    'connects again soon after the server has died in the middle of a handshake',
    { tags: 'slow' },
    async () => {
      await using server = await NatsServer.start()
      await using way = new Way(server.port)
      // Without a reaction of the package, the client would wait for this timeout, which is longer than the test may take.
      const options = { servers: await way.open(), namespace: 'reconnect', timeout: 600_000 }
      await using cluster = await connect(options)
      way.cut()
      await until(() => way.deaths === 1, 'the handshake')
      await until(() => cluster.status === 'connected', 'the connection')
    },
  )

  test('ends although its server is paused', { tags: 'slow' }, async () => {
    await using server = await NatsServer.start()
    const cluster = await connect(server.newCluster())
    await cluster.nodes()
    server.signal('SIGSTOP')
    // By itself the client fails about ten seconds later.
    await cluster[Symbol.asyncDispose]()
    expect(cluster.status).toBe('idle')
  })
})
