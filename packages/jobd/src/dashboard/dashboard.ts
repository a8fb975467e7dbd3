import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '@tasktree/actor'
import { type EventLoop, gather, getEventLoop, TaskManager } from '@tasktree/core'
import { CommandError } from '../server/arguments.ts'
import type { Access } from './access.ts'
import { isOfActor, type LiveSources, LiveView } from './live-view.ts'
import { PageFiles, writeHead } from './page-files.ts'
import { Refusal } from './refusal.ts'
import { findRoute, hasRoute, type Site } from './routes.ts'

export interface DashboardOptions {
  host: string
  /** 0 chooses a free port. */
  port: number
  access: Access
  sources: LiveSources
  log: Logger
}

const mostConnections = 1_000
const mostBytes = 1_048_576

/** Serves the page and its live events over HTTP. */
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

  /** @throws when the address is in use, or does not belong to this machine */
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
    // Called from the loop, so that the task of the request is not a child of the task that made the server.
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
        // The server does not read the rest of a request that it refuses, so the connection cannot be used again.
        writeHead(response, status, 'json', request.complete ? {} : { Connection: 'close' })
        response.end(JSON.stringify({ error: message }))
      } else response.destroy()
      if (refusal === null) throw error
    }
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // HEAD is handled like GET, because Node itself leaves out the body of the answer to HEAD.
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const url = URL.parse(request.url ?? '', 'http://localhost')
    if (url === null) throw new Refusal(400, 'that is no address')
    const path = this.#pathOf(method, url)
    // Monitoring programs ask for the health of the server, under any host name and without a secret. The answers
    // contain nothing else.
    if (method === 'GET' && (await this.#answerHealth(path, response))) return
    const bearer = await this.#access.bearerOf(request)
    if (bearer === null && !this.#access.isOwnHost(request.headers))
      throw new Refusal(
        403,
        'this server is reached by its address, not by that name: --public-url allows a name',
      )
    if (method !== 'GET' && method !== 'POST')
      throw new Refusal(405, `expected GET, HEAD or POST, got ${method}`)
    if (bearer === null && method === 'POST' && !this.#access.isSameOrigin(request))
      throw new Refusal(
        403,
        'another origin may change nothing here: behind a proxy, X-Forwarded-Host or --public-url must name the site',
      )

    const { prefix } = this.#access
    if (method === 'GET' && path === prefix && !hasRoute(method, path)) {
      // Without a slash at the end, the relative links of the page would leave out the last part of the prefix.
      writeHead(response, 308, 'text', {
        Location: `${prefix.slice(prefix.lastIndexOf('/') + 1)}/`,
      })
      response.end()
      return
    }
    const file = method === 'GET' ? this.#files.public.get(path) : undefined
    if (file !== undefined) {
      writeHead(response, 200, file.type)
      response.end(file.text)
      return
    }
    if (method === 'POST' && path === '/login') {
      await this.#logIn(request, response)
      return
    }
    const who = bearer ?? this.#access.nameOf(request)
    if (path === '/' && method === 'GET') {
      writeHead(response, who === null ? 401 : 200, 'html')
      response.end(who === null ? this.#files.login : this.#files.page)
      return
    }
    if (who === null) throw new Refusal(401, 'the page asks for the password first')
    if (bearer === null && method === 'POST' && !this.#access.hasToken(request.headers))
      throw new Refusal(403, 'the token of the page is missing')
    if (method === 'POST' && path === '/logout') {
      writeHead(response, 200, 'json', { 'Set-Cookie': this.#access.logOut(request) })
      response.end('{}')
      return
    }
    const { handle, words, isStream } = findRoute(method, path)
    if (request.method === 'HEAD' && isStream) {
      writeHead(response, 200, 'events')
      response.end()
      return
    }
    const body = method === 'POST' ? await readBody(request) : ''
    const sender = { who, address: this.#access.originOf(request).address }
    await handle({ site: this.#site, response, sender, words, query: url.searchParams, body })
  }

  /**
   * Returns the path without the prefix of the public URL. A proxy may have removed the prefix already, and the rest of the
   * path may begin with the same word, as /jobs/5 does. So a path that leads to a route is returned as it is.
   */
  #pathOf(method: string, { pathname }: URL): string {
    const { prefix } = this.#access
    const isBelow = prefix !== '' && pathname.startsWith(`${prefix}/`)
    return isBelow && !hasRoute(method, pathname) ? pathname.slice(prefix.length) : pathname
  }

  async #answerHealth(path: string, response: ServerResponse): Promise<boolean> {
    if (path !== '/healthz' && path !== '/readyz') return false
    const problem = path === '/readyz' ? await this.#site.sources.unready() : null
    writeHead(response, problem === null ? 200 : 503, 'text')
    response.end(problem === null ? 'ok\n' : `${problem}\n`)
    return true
  }

  /** Handles the form of the login page. */
  async #logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await readBody(request))
    const cookie = await this.#access.logIn(request, form.get('password') ?? '')
    if (cookie === null) {
      writeHead(response, 401, 'html')
      response.end(this.#files.wrongPassword)
      return
    }
    writeHead(response, 303, 'text', { Location: './', 'Set-Cookie': cookie })
    response.end()
  }

  /** Closes the listener, every stream and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Everything is closed before the first await, because a kill ends this function there. The next dashboard listens
    // at the same port, and clients whose connection stayed open would still get their answers from this dashboard.
    this.#server.close()
    const ended = [this.#view[Symbol.asyncDispose](), this.#requests.cancelAll()]
    this.#server.closeAllConnections()
    await gather(ended)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > mostBytes) throw new Refusal(413, `expected at most ${mostBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error !== request.errored) throw error
    // The client has closed the connection, which is not a failure of the server.
    throw new Refusal(400, 'the end of the request is missing')
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Returns the answer to an error that the client has made or that will pass; null for a failure of the server itself.
 */
function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error
  if (error instanceof CommandError) return new Refusal(400, error.message)
  return isOfActor(error) ? new Refusal(503, `not now: ${error.message}`) : null
}
