import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  cancelTasks,
  createTask,
  Future,
  getRunningLoop,
  isCancelled,
  run,
  sleep,
} from '@tasktree/core'
import { Event, Queue } from '@tasktree/sync'
import { WebSocket, WebSocketServer } from 'ws'

/** A WebSocket with a queue of its messages, for which a task can wait. It closes at the end of its scope. */
class Connection implements AsyncDisposable {
  /** The messages of the other side. The queue ends when the connection ends. */
  readonly messages: Queue<string> = new Queue()
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.messages.putNowait(data.toString()))
    socket.once('close', () => this.messages.shutdown())
  }

  static async open(url: string): Promise<Connection> {
    const socket = new WebSocket(url)
    const connection = new Connection(socket)
    const opened = new Future<void>()
    socket.once('open', () => opened.setResult())
    socket.on('error', (error) => {
      if (!opened.done()) opened.setException(error)
    })
    try {
      await opened
    } catch (error) {
      socket.terminate() // also needed if the task was cancelled while it was connecting
      throw error
    }
    return connection
  }

  send(message: string): void {
    this.#socket.send(message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close(1001, 'the client leaves')
    for await (const _ of this.messages); // waits until the other side has closed too
  }
}

await run(async () => {
  const loop = getRunningLoop()
  const pondering = new Event()
  const ended = new Event()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')

  // Each connection gets a task of its own. The task is cancelled when the connection closes.
  server.on('connection', (socket) => {
    const { messages } = new Connection(socket)
    const task = loop.createTask(async () => {
      try {
        for await (const message of messages) {
          if (message === 'ponder') {
            console.log('server: this will take an hour')
            pondering.set()
            await sleep(3_600_000)
          }
          socket.send(message.toUpperCase())
        }
      } catch (error) {
        if (isCancelled(error)) console.log('server: the cancel has arrived')
        throw error
      } finally {
        ended.set()
      }
    })
    socket.once('close', (code, reason) => {
      console.log(`server: closed with ${code}, ${String(reason)}`)
      task.cancel()
    })
  })

  const { port } = server.address() as AddressInfo
  const task = createTask(async () => {
    await using connection = await Connection.open(`ws://127.0.0.1:${port}`)
    connection.send('hello')
    console.log('client:', await connection.messages.get())
    connection.send('ponder')
    console.log('client:', await connection.messages.get())
  })
  await pondering.wait()
  await cancelTasks([task])
  await ended.wait()
  console.log('client: the task was cancelled')
  server.close()
})
