import { ContextVar, createTask, Future, run, sleep, sleepForever } from '@tasktree/core'
import { Response as LightResponse, type ServerSentEvent, serve, sse } from '@tasktree/http'
import { describe, expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

/** The size of the streamed bodies, 256 MiB by default. `TASKTREE_HTTP_BYTES=1073741824` runs the tests with 1 GiB. */
const size = Number(process.env['TASKTREE_HTTP_BYTES'] ?? 256 * 1024 * 1024)
const chunk = new Uint8Array(65_536).fill(120)
/** The memory of the process may grow by this many bytes. A whole body would be larger. */
const most = 160 * 1024 * 1024

function counted(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes
  return new ReadableStream(
    {
      pull(controller) {
        if (left <= 0) {
          controller.close()
          return
        }
        left -= chunk.length
        controller.enqueue(chunk.slice())
      },
    },
    { highWaterMark: 0 },
  )
}

/** The largest growth of the memory while `body` runs. */
async function growth(body: () => Promise<void>): Promise<number> {
  globalThis.gc?.()
  const held = (): number => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  const before = held()
  let largest = before
  const timer = setInterval(() => {
    largest = Math.max(largest, held())
  }, 10)
  try {
    await body()
  } finally {
    clearInterval(timer)
  }
  return largest - before
}

test('a large response body is sent with little memory', { tags: ['slow'] }, () =>
  run(async () => {
    await using server = await serve(() => new Response(counted(size)))
    const grown = await growth(async () => {
      const response = await fetch(server.url)
      let received = 0
      for await (const part of response.body as ReadableStream<Uint8Array>) received += part.length
      expect(received).toBe(size)
    })
    expect(grown).toBeLessThan(most)
  }),
)

test(
  'a large request body reaches a handler that is slow to read with little memory',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await using server = await serve(async (request) => {
        let received = 0
        await sleep(50)
        for await (const part of request.body as ReadableStream<Uint8Array>) received += part.length
        return new Response(String(received))
      })
      const grown = await growth(async () => {
        const response = await fetch(server.url, {
          method: 'POST',
          body: counted(size),
          duplex: 'half',
        })
        expect(await response.text()).toBe(String(size))
      })
      expect(grown).toBeLessThan(most)
    }),
)

test('a handler sends the request body back while it still comes in', () =>
  run(async () => {
    await using server = await serve((request) => new Response(request.body))
    const body = counted(10 * chunk.length)
    const response = await fetch(server.url, { method: 'POST', body, duplex: 'half' })
    expect((await response.bytes()).length).toBe(10 * chunk.length)
  }))

test('sse() formats the events of its source, and the response ends with the source', () =>
  run(async () => {
    async function* events(): AsyncGenerator<ServerSentEvent> {
      yield { data: 'one' }
      yield { event: 'tick', id: '7', retry: 1_000, data: 'two\nlines\r\nthree' }
      yield { comment: 'alive' }
      yield { data: '' }
    }
    await using server = await serve(() => sse(events()))
    const response = await fetch(server.url)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toBe(
      'data: one\n\nevent: tick\nid: 7\nretry: 1000\ndata: two\ndata: lines\ndata: three\n\n: alive\n\ndata: \n\n',
    )
  }))

test('a client that leaves ends the source of sse(), whatever the source waits for', () =>
  run(async () => {
    const log = new Log()
    async function* slow(): AsyncGenerator<ServerSentEvent> {
      try {
        yield { data: 'first' }
        await sleep(60_000)
      } finally {
        await sleep(5)
        log.add('slow ended')
      }
    }
    async function* quick(): AsyncGenerator<ServerSentEvent> {
      try {
        for (let i = 0; ; i++) {
          yield { data: 'first' }
          await sleep(1)
        }
      } finally {
        log.add('quick ended')
      }
    }
    const plain: AsyncIterable<ServerSentEvent> = {
      [Symbol.asyncIterator]: () => {
        let count = 0
        return {
          next: () =>
            count++ === 0
              ? Promise.resolve({ done: false, value: { data: 'first' } })
              : new Promise<never>(() => {}),
          return: async () => {
            log.add('plain ended')
            return { done: true, value: undefined }
          },
        }
      },
    }
    const sources: Record<string, () => AsyncIterable<ServerSentEvent>> = {
      '/slow': slow,
      '/quick': quick,
      '/plain': () => plain,
    }
    await using server = await serve((request) =>
      sse((sources[new URL(request.url).pathname] as () => AsyncIterable<ServerSentEvent>)()),
    )
    for (const path of Object.keys(sources)) {
      const client = await RawClient.open(server.url)
      client.get(path)
      await client.until('data: first')
      client.leave()
      await log.until(`${path.slice(1)} ended`)
    }
    await sleep(5)
    expect(requestTasks()).toEqual([])
  }))

test('the source of sse is cancelled with the request although another task has called sse', () =>
  run(async () => {
    const log = new Log()
    async function* events(): AsyncGenerator<ServerSentEvent> {
      yield { data: 'first' }
      await log.work('source')
    }
    await using server = await serve(async () => {
      const made = new Future<Response>()
      void createTask(async () => {
        made.setResult(sse(events()))
        await sleepForever()
      })
      return await made
    })
    const client = await RawClient.open(server.url)
    client.get('/')
    await log.until('source began')
    client.leave()
    await log.until('source ended')
  }))

test.each([{ data: 5 }, { event: 'a\nb' }, { id: 'a\0' }, { retry: -1 }, null])(
  'a wrong event of the source of sse() is a TypeError, and ends the source: %j',
  (event) =>
    run(async () => {
      const log = new Log()
      const errors: unknown[] = []
      async function* events(): AsyncGenerator<ServerSentEvent> {
        try {
          yield event as ServerSentEvent
        } finally {
          log.add('ended')
        }
      }
      await using server = await serve(() => sse(events()), {
        onError: (error) => errors.push(error),
      })
      await fetch(server.url)
        .then((response) => response.text())
        .catch(() => {})
      await log.until('ended')
      expect(errors).toHaveLength(1)
      expect(errors[0]).toBeInstanceOf(TypeError)
    }),
)

test('sse() refuses a source that is not an asynchronous iterable', () => {
  expect(() => sse([] as never)).toThrow(TypeError)
})

test('the Response of this package is an instance of Response and has its methods', async () => {
  const response = new LightResponse('text', { status: 201, headers: { 'X-A': 'b' } })
  expect(response).toBeInstanceOf(Response)
  expect([response.status, response.ok, response.headers.get('x-a')]).toEqual([201, true, 'b'])
  expect(response.bodyUsed).toBe(false)
  expect(await response.clone().text()).toBe('text')
  expect(await response.text()).toBe('text')
  expect(response.bodyUsed).toBe(true)
  expect(await LightResponse.json({ a: 1 }).json()).toEqual({ a: 1 })
  expect(LightResponse.redirect('http://a.example/').status).toBe(302)
})

test.each([
  ['x', { status: 99 }],
  ['x', { status: 204 }],
  ['x', { statusText: 'a\r\nb' }],
  ['x', { headers: { 'a b': 'c' } }],
  ['x', { headers: { a: 'b\r\nc: d' } }],
])(
  'the Response of this package refuses what the global Response refuses: new Response(%j, %j)',
  (body, init) => {
    expect(() => new Response(body, init)).toThrow(Error)
    expect(() => new LightResponse(body, init)).toThrow(Error)
  },
)

test('a header that is set on a Response after its creation is sent', () =>
  run(async () => {
    await using server = await serve(() => {
      const response = new LightResponse('text')
      response.headers.set('x-a', 'b')
      return response
    })
    const response = await fetch(server.url)
    expect([response.headers.get('x-a'), await response.text()]).toEqual(['b', 'text'])
  }))

describe('a response body in parts', () => {
  const context = new ContextVar<string>('context')

  test('has a source that runs in the context of the request, even after the client was slow', () =>
    run(async () => {
      const seen = new Set<string | undefined>()
      let pulls = 0
      const closed = new Future<void>()
      await using server = await serve(() => {
        context.set('of the request')
        return new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              seen.add(context.get('none'))
              if (++pulls <= 64) controller.enqueue(chunk.slice())
              else {
                controller.close()
                closed.setResult()
              }
            },
          }),
        )
      })
      const client = await RawClient.open(server.url)
      client.get('/')
      client.socket.pause()
      // When the source is no longer asked for parts, the buffers of the kernel and of Node are full.
      for (let before = -1; before !== pulls; await sleep(50)) before = pulls
      const askedWhilePaused = pulls
      client.socket.resume()
      await closed
      expect(askedWhilePaused).toBeLessThan(64)
      expect(seen).toEqual(new Set(['of the request']))
      client.leave()
    }))

  test('is not read on after its slow client has left', () =>
    run(async () => {
      const log = new Log()
      let pulls = 0
      await using server = await serve(
        () =>
          new Response(
            new ReadableStream<Uint8Array>({
              pull(controller) {
                pulls++
                controller.enqueue(chunk.slice())
              },
              cancel() {
                log.add('cancelled')
              },
            }),
          ),
      )
      const client = await RawClient.open(server.url)
      client.get('/')
      client.socket.pause()
      for (let before = -1; before !== pulls; await sleep(50)) before = pulls
      client.leave()
      await log.until('cancelled')
      const after = pulls
      await sleep(20)
      expect(pulls).toBe(after)
      expect(requestTasks()).toEqual([])
    }))

  test('that gives empty parts for ever leaves the loop time for other requests', () =>
    run(async () => {
      const log = new Log()
      // The parts have an end. Without an end, a failure of this test would hang the whole process and not only the test.
      let left = 1_000_000
      const empty = (): Response =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              log.add('read')
              if (left-- > 0) controller.enqueue(new Uint8Array())
              else controller.close()
            },
            cancel: () => log.add('cancelled'),
          }),
        )
      await using server = await serve(({ url }) =>
        url.endsWith('/empty') ? empty() : new LightResponse('other'),
      )
      const client = await RawClient.open(server.url)
      client.get('/empty')
      await log.until('read')
      expect(await (await fetch(server.url)).text()).toBe('other')
      expect(left).toBeGreaterThan(0)
      client.leave()
      await log.until('cancelled')
    }))

  test('whose first part is a string is answered with 500', async () => {
    const errors: unknown[] = []
    await run(async () => {
      await using server = await serve(
        () => new Response(ReadableStream.from(['text'] as never[])),
        { onError: (error) => errors.push(error) },
      )
      expect((await fetch(server.url)).status).toBe(500)
    })
    expect(String(errors[0])).toContain('must give bytes')
  })

  test('whose later part is a string, or whose source fails, resets the connection', async () => {
    const errors: unknown[] = []
    async function* mixed(last: unknown): AsyncGenerator {
      yield new Uint8Array(5)
      await sleep(5)
      yield new Uint8Array(5)
      if (last instanceof Error) throw last
      yield last
    }
    await run(async () => {
      let last: unknown = 'text'
      await using server = await serve(
        () => new Response(ReadableStream.from(mixed(last)) as ReadableStream<Uint8Array>),
        { onError: (error) => errors.push(error) },
      )
      await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow(
        'terminated',
      )
      last = new Error('the source has failed')
      await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow(
        'terminated',
      )
      expect(requestTasks()).toEqual([])
    })
    expect(errors.map(String)).toEqual([
      expect.stringContaining('must give bytes'),
      'Error: the source has failed',
    ])
  })
})
