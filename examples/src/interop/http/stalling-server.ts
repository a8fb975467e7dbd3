import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRunningLoop } from '@tasktree/core'
import { Event } from '@tasktree/sync'

/** A server that answers `/hello`, never answers `/silent`, and never ends its answer to `/endless`. */
export class StallingServer implements AsyncDisposable {
  /** Set when a client has disconnected before the end of its answer. */
  readonly deserted: Event = new Event()
  /** Set when a client has requested `/silent`. */
  readonly asked: Event = new Event()
  readonly origin: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<StallingServer> {
    const loop = getRunningLoop()
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const stalling = new StallingServer(server)
    server.on('request', ({ url }, response) => {
      if (url === '/hello') {
        response.end('hello')
        return
      }
      response.once('close', () => {
        console.log(`server: the client of ${url} has gone`)
        stalling.deserted.set()
      })
      if (url === '/silent') {
        stalling.asked.set()
        return
      }
      const send = (): void => {
        if (response.closed) return
        response.write('and ')
        loop.callLater(1, send)
      }
      send()
    })
    return stalling
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}
