// Tests clients of servers that do not answer (like a machine that is off) and of servers that end connections early.
import { createTask, getEventLoop, run, TimeoutError, timeout } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { JobClient } from '@tasktree/jobd'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { Failure } from '../src/cli/failure.ts'
import { withClient } from '../src/cli/with-client.ts'

/** A server that answers each command with PONG, unless a test replaces `onCommand`. */
class PongServer implements AsyncDisposable {
  readonly sockets: Socket[] = []
  readonly #server = createServer((socket) => this.#accept(socket))
  /** Called with each command other than HELLO. */
  onCommand: (socket: Socket) => void = (socket) => void socket.write('+PONG\r\n')

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      for (const command of String(data).split(/(?=\*\d+\r\n)/)) {
        if (command.includes('HELLO')) socket.write('%0\r\n')
        else this.onCommand(socket)
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

test(
  'after a command that the server did not answer, the next command uses another connection',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await using server = new PongServer()
      const port = await server.listen()
      await using client = await JobClient.connect('127.0.0.1', port)
      server.onCommand = (socket) => {
        if (socket !== server.sockets[0]) socket.write('+PONG\r\n')
      }
      const waiting = createTask(() => client.command('PING'))
      expect(await thrown(timeout(1_100, () => client.command('PING')))).toBeInstanceOf(
        TimeoutError,
      )
      expect(await client.command('PING')).toEqual({ simple: 'PONG' })
      expect(server.sockets).toHaveLength(2)
      // The other call still waits on the first connection, and gets its answer when the server answers there.
      server.sockets[0]?.write('+PONG\r\n+PONG\r\n')
      expect(await waiting).toEqual({ simple: 'PONG' })
      if (server.sockets[0]?.closed === false) await once(server.sockets[0], 'close')
      expect(await client.command('PING')).toEqual({ simple: 'PONG' })
      expect(server.sockets).toHaveLength(2)
    }),
)

test('a command line says so if a program that does not answer listens at the port', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const error = await runVirtual(() =>
    thrown(withClient({ host: '127.0.0.1', port }, (client) => client.command('PING'))),
  )
  expect(error).toBeInstanceOf(Failure)
  expect(error).toHaveProperty(
    'message',
    `127.0.0.1:${port} does not answer: it may not be a jobd server`,
  )
  for (const socket of sockets) socket.destroy()
  server.close()
})

test('a command that is cancelled after a short time leaves the connection in use', () =>
  run(async () => {
    await using server = new PongServer()
    await using client = await JobClient.connect('127.0.0.1', await server.listen())
    server.onCommand = () => {}
    const given = createTask(() => client.command('PING'))
    await timeout(20, () => given).catch(() => {})
    server.onCommand = (socket) => void socket.write('+LATE\r\n+PONG\r\n')
    expect(await client.command('PING')).toEqual({ simple: 'PONG' })
    expect(server.sockets).toHaveLength(1)
  }))

test('a wait whose connection ends before the answer throws once, and is reported nowhere', () =>
  run(async () => {
    const reports: unknown[] = []
    getEventLoop().setExceptionHandler((_, context) => void reports.push(context))
    await using server = new PongServer()
    await using client = await JobClient.connect('127.0.0.1', await server.listen())
    server.onCommand = (socket) => void socket.destroy()
    expect(await thrown(client.command('JOB.WAIT', 1))).toMatchObject({ name: 'ProtocolError' })
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
    gc?.()
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
    expect(reports).toEqual([])
  }))
