import { run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import { curl, RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

const tls = {
  key: readFileSync(new URL('./fixtures/key.pem', import.meta.url)),
  cert: readFileSync(new URL('./fixtures/cert.pem', import.meta.url)),
}

interface Context {
  url: string
  log: Log
  session: ClientHttp2Session
  get: (path: string) => ClientHttp2Stream
}

function served(
  handler: (request: Request, log: Log) => Promise<Response> | Response,
  body: (context: Context) => Promise<void>,
  options: Parameters<typeof serve>[1] = {},
): Promise<void> {
  return run(async () => {
    const log = new Log()
    await using server = await serve((request) => handler(request, log), { tls, ...options })
    const session = connect(server.url, { rejectUnauthorized: false })
    session.on('error', () => {})
    const get = (path: string): ClientHttp2Stream =>
      session.request({ ':path': path }).on('error', () => {})
    try {
      await body({ url: server.url, log, session, get })
      expect(requestTasks()).toEqual([])
    } finally {
      session.destroy()
    }
  })
}

async function work(request: Request, log: Log): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/quick') return new Response('quick')
  if (pathname !== '/a') return await log.work(pathname)
  log.add('/a began')
  await sleep(40)
  log.add('/a finished')
  return new Response('done')
}

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

test('a reset of its HTTP/2 stream cancels a request, and leaves the other requests of the session', () =>
  served(work, async ({ log, get }) => {
    const [leaving, staying] = [get('/work'), get('/a')]
    await log.until('/work began')
    leaving.close(8)
    await log.until('/work ended')
    expect(await textOf(staying)).toBe('done')
    expect(log.entries).toContain('/a finished')
  }))

test('a reset of the HTTP/2 stream while the response body is sent ends the source of the body', () =>
  served(
    (_request, log) => log.endlessResponse(),
    async ({ log, get }) => {
      const stream = get('/')
      await once(stream, 'data')
      stream.close(8)
      await log.until('the source ended')
    },
  ))

test('a reset of the HTTP/2 stream cancels a request whose handler does not read the body', () =>
  served(work, async ({ log, session }) => {
    const stream = session.request({ ':path': '/work', ':method': 'POST' })
    stream.on('error', () => {}).write(Buffer.alloc(1_000_000))
    await log.until('/work began')
    stream.close(8)
    await log.until('/work ended')
  }))

test('the end of an HTTP/2 session cancels all of its requests', () =>
  served(work, async ({ log, session, get }) => {
    get('/1')
    get('/2')
    await log.until('/1 began')
    await log.until('/2 began')
    session.destroy()
    await log.until('/1 ended')
    await log.until('/2 ended')
  }))

test('a GOAWAY of an HTTP/2 client lets the running requests end', () =>
  served(work, async ({ log, session, get }) => {
    const stream = get('/a')
    await log.until('/a began')
    session.goaway()
    expect(await textOf(stream)).toBe('done')
    expect(log.entries).toContain('/a finished')
  }))

test('an HTTP/2 request whose deadline passes before the head is answered with 503', () =>
  served(
    work,
    async ({ log, get }) => {
      const stream = get('/work')
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect([headers[':status'], headers['retry-after']]).toEqual([503, '1'])
      await log.until('/work ended')
    },
    { deadline: 20 },
  ))

test('an HTTP/2 stream whose deadline passes after the head is reset', () =>
  served(
    () => new Response(new ReadableStream({ pull: () => sleep(60_000) })),
    async ({ get }) => {
      const stream = get('/')
      await once(stream, 'response')
      await new Promise((resolve) => {
        stream.once('close', resolve)
      })
      expect(stream.rstCode).toBe(2)
    },
    { deadline: 30 },
  ))

test('a handler gets URL, headers and body of an HTTP/2 request, and its response is sent', () =>
  served(
    async (request) =>
      Response.json(
        [request.url.replace(/:\d+/, ''), request.headers.get('x-a'), await request.text()],
        {
          headers: { connection: 'close', 'x-b': 'c' },
        },
      ),
    async ({ session }) => {
      const stream = session.request({ ':path': '/p?q', ':method': 'POST', 'x-a': 'b' })
      stream.end('body')
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect([headers[':status'], headers['x-b'], headers['connection']]).toEqual([
        200,
        'c',
        undefined,
      ])
      expect(JSON.parse(await textOf(stream))).toEqual([
        'https://localhost/p?q'.replace('localhost', '127.0.0.1'),
        'b',
        'body',
      ])
    },
  ))

test('a client of HTTP/1.1 over TLS that leaves cancels its request', () =>
  served(work, async ({ url, log }) => {
    const { port } = new URL(url)
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const client = new RawClient(socket)
    client.get('/quick')
    await client.until('quick')
    client.get('/work')
    await log.until('/work began')
    socket.destroy()
    await log.until('/work ended')
  }))

test.each(['--http1.1', '--http2'])(
  'curl %s gets an answer, and cancels its request when it leaves',
  (version) =>
    served(work, async ({ url, log }) => {
      const quick = await curl('-k', version, `${url}/quick`).result
      expect(quick.stdout).toBe('quick')
      const { leave, result } = curl('-k', version, `${url}/work`)
      await log.until('/work began')
      leave()
      await result
      await log.until('/work ended')
    }),
)

test('stop() sends GOAWAY and lets the running HTTP/2 requests end', () =>
  run(async () => {
    const log = new Log()
    const server = await serve((request) => work(request, log), { tls })
    const session = connect(server.url, { rejectUnauthorized: false }).on('error', () => {})
    const stream = session.request({ ':path': '/a' })
    await log.until('/a began')
    const goaway = once(session, 'goaway')
    const stopped = server.stop()
    await goaway
    expect(await textOf(stream)).toBe('done')
    await stopped
    expect(session.destroyed || session.closed).toBe(true)
  }))

test('stop() cancels HTTP/2 requests that take longer than the grace', () =>
  run(async () => {
    const log = new Log()
    const server = await serve((request) => work(request, log), { tls, grace: 20 })
    const session = connect(server.url, { rejectUnauthorized: false }).on('error', () => {})
    const stream = session.request({ ':path': '/work' }).on('error', () => {})
    await log.until('/work began')
    const response = once(stream, 'response')
    await server.stop()
    const [headers] = (await response) as [Record<string, unknown>]
    expect(headers[':status']).toBe(503)
    expect(log.entries).toContain('/work ended')
    session.destroy()
  }))

test('the URL of an HTTP/2 request has the host of :authority and not of the host header', () =>
  served(
    (request) => new Response(request.url),
    async ({ session }) => {
      const stream = session.request({
        ':path': '/x',
        ':authority': 'a.example',
        host: 'b.example',
      })
      let text = ''
      for await (const part of stream) text += String(part)
      expect(text).toBe('https://a.example/x')
    },
  ))
