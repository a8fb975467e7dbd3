import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '@tasktree/actor'
import { type EventLoop, getEventLoop, TaskManager } from '@tasktree/core'
import type { Access } from './access.ts'
import { isOfActor, type LiveSources, LiveView } from './live-view.ts'
import { PageFiles, writeHead } from './page-files.ts'
import { Refusal } from './refusal.ts'
import { findRoute, type Site } from './routes.ts'

export interface DashboardOptions {
  host: string
  /** 0: one that is free. */
  port: number
  access: Access
  sources: LiveSources
  log: Logger
}

const mostConnections = 1_000
const mostBytes = 1_048_576

/** The page and its live events over HTTP. */
export class Dashboard implements AsyncDisposable {
  readonly #access: Access
  readonly #files: PageFiles
  readonly #view: LiveView
  readonly #site: Site
  readonly #requests: TaskManager
  readonly #server: HttpServer
  readonly #loop: EventLoop = getEventLoop()
  #numberOfRequests = 0

  /** @internal use Dashboard.start */
  constructor({ access, sources, log }: DashboardOptions) {
    const onError = (error: unknown, name: string): void =>
      log.error(`dashboard: ${name} has failed`, error)
    this.#access = access
    this.#files = new PageFiles(access)
    this.#view = new LiveView(sources, access.id, onError)
    this.#site = { sources, view: this.#view }
    this.#requests = new TaskManager({ onError })
    this.#server = createServer((request, response) => this.#accept(request, response))
    this.#server.maxConnections = mostConnections
  }

  /** @throws when the address is taken, or not this machine's */
  static async start(options: DashboardOptions): Promise<Dashboard> {
    const dashboard = new Dashboard(options)
    try {
      dashboard.#server.listen(options.port, options.host)
      await once(dashboard.#server, 'listening')
    } catch (error) {
      await dashboard[Symbol.asyncDispose]()
      throw error
    }
    return dashboard
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    // Outside of whatever task made the server: a request is a task of its own.
    this.#loop.callSoon(() => {
      if (response.closed) return
      const name = `${request.method} ${request.url} (${++this.#numberOfRequests})`
      const task = this.#requests.create(name, () => this.#answer(request, response))
      response.once('close', () => task.cancel())
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#respond(request, response)
    } catch (error) {
      const refusal = refusalOf(error)
      const { status, message } = refusal ?? new Refusal(500, 'this has failed; the log says why')
      if (!response.headersSent) {
        // What of the request was not read is not: the connection ends with it.
        writeHead(response, status, 'json', request.complete ? {} : { Connection: 'close' })
        response.end(JSON.stringify({ error: message }))
      } else response.destroy()
      if (refusal === null) throw error
    }
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method = '' } = request
    if (!this.#access.isOwnHost(headers))
      throw new Refusal(403, 'this server is reached by its address, not by that name')
    if (method !== 'GET' && method !== 'POST')
      throw new Refusal(405, `expected GET or POST, got ${method}`)
    if (method === 'POST' && !this.#access.isSameOrigin(headers))
      throw new Refusal(403, 'another origin may change nothing here')
    const url = URL.parse(request.url ?? '', 'http://localhost')
    if (url === null) throw new Refusal(400, 'that is no address')

    const file = method === 'GET' ? this.#files.public.get(url.pathname) : undefined
    if (file !== undefined) {
      writeHead(response, 200, file.type)
      response.end(file.text)
      return
    }
    if (method === 'POST' && url.pathname === '/login') {
      await this.#logIn(request, response)
      return
    }
    const isKnown = this.#access.isKnown(headers)
    if (url.pathname === '/' && method === 'GET') {
      writeHead(response, isKnown ? 200 : 401, 'html')
      response.end(isKnown ? this.#files.page : this.#files.login)
      return
    }
    if (!isKnown) throw new Refusal(401, 'the page asks for the password first')
    if (method === 'POST' && !this.#access.hasToken(headers))
      throw new Refusal(403, 'the token of the page is missing')
    if (method === 'POST' && url.pathname === '/logout') {
      writeHead(response, 200, 'json', { 'Set-Cookie': this.#access.logOut(headers) })
      response.end('{}')
      return
    }
    const { handle, words } = findRoute(method, url.pathname)
    const body = method === 'POST' ? await readBody(request) : ''
    await handle({ site: this.#site, response, words, query: url.searchParams, body })
  }

  /** The form of the login page. */
  async #logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await readBody(request))
    const cookie = await this.#access.logIn(form.get('password') ?? '')
    if (cookie === null) {
      writeHead(response, 401, 'html')
      response.end(this.#files.wrongPassword)
      return
    }
    writeHead(response, 303, 'text', { Location: '/', 'Set-Cookie': cookie })
    response.end()
  }

  /** Closes the listener, every stream and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    // All of it before the first await, which is where a kill ends this. The one that follows listens at the
    // same port, and a connection that stayed open would go on with this one.
    this.#server.close()
    const ended = [this.#view[Symbol.asyncDispose](), this.#requests.cancelAll()]
    this.#server.closeAllConnections()
    await Promise.all(ended)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new Refusal(413, `expected at most ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** What is the client's mistake, or passes by; null for a failure of ours. */
function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error
  return isOfActor(error) ? new Refusal(503, `not now: ${error.message}`) : null
}
