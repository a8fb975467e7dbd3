import { context, SpanKind, trace } from '@opentelemetry/api'
import { createTask, Future, run, sleepForever } from '@tasktree/core'
import { type Handler, serve, type ServeOptions } from '@tasktree/http'
import { expect, test } from 'vitest'
import { idOf, outcomeOf, parentOf, record, type Recording } from './support/recording.ts'

/** Serves with `handler`, and calls `body` with the URL of the server. */
function served(
  handler: Handler,
  body: (url: string, recording: Recording) => Promise<void>,
  options: ServeOptions = {},
): Promise<Recording> {
  return record((recording) =>
    run(async () => {
      await using server = await serve(handler, options)
      await body(server.url, recording)
    }),
  )
}

const traceId = '0af7651916cd43dd8448eb211c80319c'

test(
  'the span of a request is a child of the span that the client names, and parent of the work inside',
  { tags: ['slow'] },
  async () => {
    const recording = await served(
      async (request) => {
        await createTask(() => request.text(), { name: 'read' })
        return new Response('hello', { status: 201 })
      },
      async (url) => {
        const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` }
        const response = await fetch(`${url}/prices?since=3`, {
          method: 'POST',
          body: 'x',
          headers,
        })
        expect(await response.text()).toBe('hello')
        await fetch(url)
      },
    )
    const span = recording.find('POST')
    expect(span.kind).toBe(SpanKind.SERVER)
    expect(span.spanContext().traceId).toBe(traceId)
    expect(parentOf(span)).toBe('b7ad6b7169203331')
    expect(parentOf(recording.spans.find(({ name }) => name === 'read') as never)).toBe(idOf(span))
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 201,
      'network.protocol.version': '1.1',
      'url.path': '/prices',
      'url.query': 'since=3',
      'url.scheme': 'http',
    })
    expect(recording.find('GET').spanContext().traceId).not.toBe(traceId)
    expect(recording.spans).toHaveLength(4)
  },
)

test('a failed handler gives its request an error span, and so does a response with a status from 500 on', async () => {
  const recording = await served(
    (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/throw') throw new RangeError('broken')
      return new Response(null, { status: Number(pathname.slice(1)) })
    },
    async (url) => {
      for (const path of ['throw', '404', '503']) await (await fetch(`${url}/${path}`)).text()
    },
    { onError: () => {} },
  )
  expect(
    recording.spans.map((span) => `${String(span.attributes['url.path'])} ${outcomeOf(span)}`),
  ).toEqual(['/throw ERROR 500 noted', '/404 UNSET', '/503 ERROR 503'])
})

test('a request whose client leaves, or whose deadline passes, has a cancelled span without an error', async () => {
  const arrived = new Future<void>()
  const recording = await served(
    async (request) => {
      if (request.url.endsWith('/left')) arrived.setResult()
      await sleepForever()
      return new Response()
    },
    async (url) => {
      const controller = new AbortController()
      const left = fetch(`${url}/left`, { signal: controller.signal }).catch(() => {})
      await arrived
      controller.abort()
      await left
      expect((await fetch(`${url}/late`)).status).toBe(503)
    },
    { deadline: 100 },
  )
  expect(
    recording.spans.map((span) => `${String(span.attributes['url.path'])} ${outcomeOf(span)}`),
  ).toEqual(['/left UNSET cancelled', '/late UNSET cancelled'])
})

test('a request that has a span of another library gets no second span', async () => {
  const recording = await record(async ({ provider }) => {
    const tracer = provider.getTracer('http instrumentation')
    await run(async () => {
      const { createServer } = await import('node:http')
      const { nodeHandler } = await import('@tasktree/http')
      const answer = nodeHandler(async () => {
        await createTask(async () => {}, { name: 'work' })
        return new Response('ok')
      })
      const server = createServer((incoming, outgoing) => {
        const span = tracer.startSpan('their request', { kind: SpanKind.SERVER })
        outgoing.once('close', () => span.end())
        context.with(trace.setSpan(context.active(), span), () => answer(incoming, outgoing))
      })
      const listening = new Future<void>()
      server.listen(0, '127.0.0.1', () => listening.setResult())
      await listening
      const { port } = server.address() as { port: number }
      await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text()
      const closed = new Future<void>()
      server.close(() => closed.setResult())
      await closed
    })
  })
  expect(recording.tree()).toEqual(['their request', '  work'])
})

test('the span of a request to a mounted router has the whole path', async () => {
  const recording = await record(() =>
    run(async () => {
      const { createServer } = await import('node:http')
      const { nodeHandler } = await import('@tasktree/http')
      const answer = nodeHandler(() => new Response('ok'))
      const server = createServer((incoming, outgoing) => {
        // Express and Connect do this to the request of a router that is mounted at `/api`.
        Object.assign(incoming, { originalUrl: incoming.url, url: incoming.url?.slice(4) })
        answer(incoming, outgoing)
      })
      const listening = new Future<void>()
      server.listen(0, '127.0.0.1', () => listening.setResult())
      await listening
      const { port } = server.address() as { port: number }
      const url = `http://127.0.0.1:${port}/api/users?id=7`
      await (await fetch(url, { headers: { connection: 'close' } })).text()
      const closed = new Future<void>()
      server.close(() => closed.setResult())
      await closed
    }),
  )
  expect(recording.find('GET').attributes).toMatchObject({
    'url.path': '/api/users',
    'url.query': 'id=7',
  })
})
