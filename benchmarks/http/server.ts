// Starts one of the servers that http.ts compares, and prints its port. Run: node http/server.ts NAME
import { createAdaptorServer } from '@hono/node-server'
import { Response as LightResponse, serve } from '@tasktree/http'
import fastify from 'fastify'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

const part = Buffer.alloc(16_384, 'x')
const parts = 16

function stream(): ReadableStream<Uint8Array> {
  let left = parts
  return new ReadableStream(
    {
      pull(controller) {
        if (left-- === 0) controller.close()
        else controller.enqueue(part)
      },
    },
    { highWaterMark: 0 },
  )
}

type ResponseClass = typeof Response

/** Makes the handler that all servers with web `Request`s share. `Made` is the class of the responses that it returns. */
function webHandler(Made: ResponseClass): (request: Request) => Promise<Response> | Response {
  return (request) => {
    if (request.url.endsWith('/stream')) return new Made(stream())
    if (request.url.endsWith('/json')) return echo(request, Made)
    return new Made('hello')
  }
}

async function echo(request: Request, Made: ResponseClass): Promise<Response> {
  return Made.json(await request.json())
}

/** The shortest adapter from node:http to the platform's `Request` and `Response`, as programs without a library write it. */
async function adapt(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', headers } = incoming
  const request = new Request(`http://${headers.host}${incoming.url}`, {
    method,
    headers: headers as Record<string, string>,
    ...(method === 'GET'
      ? {}
      : { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' }),
  })
  const response = await webHandler(Response)(request)
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  for await (const bytes of response.body ?? []) outgoing.write(bytes)
  outgoing.end()
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

const servers: Record<string, () => Promise<number>> = {
  'node:http': () =>
    listen(
      createServer((request, response) => {
        if (request.url === '/stream') {
          response.writeHead(200)
          Readable.from(Array.from({ length: parts }, () => part)).pipe(response)
        } else if (request.url === '/json') {
          let body = ''
          request.setEncoding('utf8')
          request.on('data', (chunk: string) => (body += chunk))
          request.on('end', () => {
            const text = JSON.stringify(JSON.parse(body))
            const length = Buffer.byteLength(text)
            response.writeHead(200, {
              'content-type': 'application/json',
              'content-length': length,
            })
            response.end(text)
          })
        } else {
          const head = { 'content-type': 'text/plain;charset=UTF-8', 'content-length': 5 }
          response.writeHead(200, head)
          response.end('hello')
        }
      }),
    ),
  'node:http-request': () =>
    listen(createServer((request, response) => void adapt(request, response))),
  hono: () =>
    listen(createAdaptorServer({ fetch: (request) => webHandler(Response)(request) }) as Server),
  'hono-platform': () =>
    listen(
      createAdaptorServer({
        fetch: (request) => webHandler(Response)(request),
        overrideGlobalObjects: false,
      }) as Server,
    ),
  fastify: async () => {
    const app = fastify()
    app.get('/stream', (_request, reply) => reply.send(Readable.from(Array(parts).fill(part))))
    app.post('/json', (request) => request.body)
    app.get('/hello', () => 'hello')
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
  tasktree: () => serveHere(LightResponse),
  'tasktree-platform': () => serveHere(Response),
}

async function serveHere(Made: ResponseClass): Promise<number> {
  return Number(new URL((await serve(webHandler(Made))).url).port)
}

const start = servers[process.argv[2] ?? '']
if (start === undefined) throw new Error(`one of ${Object.keys(servers).join()}`)
console.log(await start())
