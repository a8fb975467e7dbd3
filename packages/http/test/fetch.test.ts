import {
  cancelScope,
  createTask,
  currentTask,
  detached,
  getEventLoop,
  run,
  sleep,
  snapshot,
  timeout,
  TimeoutError,
  why,
} from '@tasktree/core'
import { AsyncLocalStorage } from 'node:async_hooks'
import { runVirtual } from '@tasktree/core/testing'
import { fetch, type FetchInit, serve } from '@tasktree/http'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { Log } from './support/probe.ts'

/** Serves `handler`, and runs `body` as its client. The loop must report nothing until the end of the run. */
async function served(
  handler: (request: Request, log: Log) => Promise<Response> | Response,
  body: (url: string, log: Log) => Promise<void>,
): Promise<void> {
  const reports: unknown[] = []
  await run(async () => {
    const log = new Log()
    await using server = await serve((request) => handler(request, log))
    getEventLoop().setExceptionHandler((_loop, context) => reports.push(context))
    await body(server.url, log)
    await sleep(5)
  })
  expect(reports).toEqual([])
}

/** Returns a response that sends its head and a part of its body, and then nothing more. */
function partial(log: Log): Response {
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('part')
      await sleep(60_000)
    } finally {
      log.add('source ended')
    }
  }
  return new Response(ReadableStream.from(parts()))
}

describe('a cancel of a task that calls fetch', () => {
  test('ends the request before the head of the response has come', () =>
    served(
      (_request, log) => log.work('work'),
      async (url, log) => {
        const task = createTask(() => fetch(url))
        await log.until('work began')
        task.cancel()
        await expect(task).rejects.toThrow(expect.objectContaining({ name: 'CancelledError' }))
        await log.until('work ended')
      },
    ))

  test.each(['text', 'bytes', 'json'] as const)('ends the reading of the body by %s()', (name) =>
    served(
      (_request, log) => partial(log),
      async (url, log) => {
        const cleaned: string[] = []
        const task = createTask(async () => {
          const response = await fetch(url)
          log.add('has the head')
          try {
            await response[name]()
          } finally {
            await sleep(1)
            cleaned.push('clean')
          }
        })
        await log.until('has the head')
        await sleep(5)
        task.cancel()
        await expect(task).rejects.toThrow(expect.objectContaining({ name: 'CancelledError' }))
        await log.until('source ended')
        expect(cleaned).toEqual(['clean'])
      },
    ),
  )

  test('ends the reading of the body as a stream', () =>
    served(
      (_request, log) => partial(log),
      async (url, log) => {
        const result = await cancelScope(async (scope) => {
          const response = await fetch(url)
          for await (const part of response.body as ReadableStream<Uint8Array>) {
            expect(Buffer.from(part).toString()).toBe('part')
            setTimeout(() => scope.cancel('enough'), 5)
          }
        })
        expect(result).toEqual({ cancelled: true, reason: 'enough' })
        await log.until('source ended')
      },
    ))

  test('by a timeout around one fetch leaves another fetch of the same task alone', () =>
    served(
      async (request, log) => {
        if (request.url.endsWith('/slow')) return await log.work('slow')
        await sleep(40)
        return new Response('done')
      },
      async (url) => {
        const [slow, quick] = await Promise.allSettled([
          timeout(20, () => fetch(`${url}/slow`)),
          fetch(`${url}/quick`).then((response) => response.text()),
        ])
        expect(slow).toMatchObject({
          status: 'rejected',
          reason: expect.any(TimeoutError) as unknown,
        })
        expect(quick).toEqual({ status: 'fulfilled', value: 'done' })
      },
    ))
})

test('the source of a request body runs in the task that calls fetch', () =>
  run(async () => {
    const seen: unknown[] = []
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        seen.push(currentTask()?.name)
        yield Buffer.from('a')
        seen.push(currentTask()?.name)
        await sleep(1)
        yield Buffer.from('b')
      } finally {
        seen.push(currentTask()?.name)
      }
    }
    const elsewhere = detached(() => AsyncLocalStorage.snapshot())
    const platform = vi
      .spyOn(globalThis, 'fetch')
      .mockImplementation((_url, init) =>
        elsewhere(async () => new Response(await new Response(init?.body).text())),
      )
    const upload = (): Promise<Response> =>
      fetch('http://a', {
        method: 'POST',
        body: ReadableStream.from(source()),
        duplex: 'half',
      })
    const task = createTask(upload, { name: 'sender' })
    expect(await (await task).text()).toBe('ab')
    expect(seen).toEqual(['sender', 'sender', 'sender'])
    platform.mockImplementation((_url, init) =>
      elsewhere(async () => {
        await (init as { body: ReadableStream }).body.cancel()
        return new Response()
      }),
    )
    await upload()
  }))

test('fetch outside of a task is ended by its signal', () =>
  served(
    (_request, log) => log.work('work'),
    async (url, log) => {
      const controller = new AbortController()
      const call = fetch(url, { signal: controller.signal })
      await log.until('work began')
      controller.abort(new Error('enough'))
      await expect(call).rejects.toThrow('enough')
      await log.until('work ended')
    },
  ))

test.each([
  ['head', 'did not answer within 1000 ms'],
  ['body', 'did not send the whole body within 1000 ms'],
])('fetch with a timeout throws TimeoutError when the %s does not come in time', (part, message) =>
  served(
    (_request, log) => (part === 'head' ? log.work('work') : partial(log)),
    async (url) => {
      const call = async (): Promise<string> => (await fetch(url, { timeout: 1_000 })).text()
      const error: unknown = await call().catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TimeoutError)
      expect((error as Error).message).toContain(message)
    },
  ),
)

describe('fetch with the option retry', () => {
  test('sends the request again after a 503, and gives the last response', () => {
    let calls = 0
    return served(
      () => {
        calls++
        return calls < 3 ? new Response(null, { status: 503 }) : new Response('done')
      },
      async (url) => {
        const response = await fetch(url, { retry: { attempts: 3, backoff: () => 1 } })
        expect(await response.text()).toBe('done')
        calls = 0
        expect((await fetch(url, { retry: { attempts: 2, backoff: () => 1 } })).status).toBe(503)
        expect(calls).toBe(2)
      },
    )
  })

  test('waits as long as Retry-After says', () => {
    const times: number[] = []
    return served(
      () => {
        times.push(performance.now())
        return new Response(null, { status: 429, headers: { 'retry-after': '0.05' } })
      },
      async (url) => {
        await fetch(url, { retry: { attempts: 2, backoff: () => 10_000 } })
        expect((times[1] as number) - (times[0] as number)).toBeGreaterThan(45)
      },
    )
  })

  test.each(['3600', '1e999', 'Fri, 31 Dec 2100 23:59:59 GMT'])(
    'waits for Retry-After: %s at most 30 seconds, and does not wait longer than its scope',
    (value) => {
      const times: number[] = []
      return runVirtual(async () => {
        vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
          times.push(getEventLoop().time())
          return new Response(null, { status: 503, headers: { 'retry-after': value } })
        })
        try {
          expect((await fetch('http://a', { retry: 2 })).status).toBe(503)
          expect((times[1] as number) - (times[0] as number)).toBe(30_000)
          const begin = getEventLoop().time()
          const response = await timeout(1_000, () => fetch('http://a', { retry: 2 }))
          expect(response.status).toBe(503)
          expect(getEventLoop().time() - begin).toBe(0)
          expect(times).toHaveLength(3)
        } finally {
          vi.restoreAllMocks()
        }
      })
    },
  )

  describe('in a scope with a deadline', () => {
    /** Calls `fetch` in a scope of 1,000 ms. Returns the outcome, the time that it took and the number of requests. */
    function within(
      platform: () => Promise<Response>,
      delay: number,
    ): Promise<{ outcome: unknown; took: number; sent: number }> {
      return runVirtual(async () => {
        const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(platform)
        try {
          const begin = getEventLoop().time()
          const retry = { attempts: 3, backoff: () => delay }
          const outcome: unknown = await timeout(1_000, () => fetch('http://a', { retry })).catch(
            (error: unknown) => error,
          )
          return { outcome, took: getEventLoop().time() - begin, sent: spy.mock.calls.length }
        } finally {
          vi.restoreAllMocks()
        }
      })
    }

    test.each([1_000, 20_000, Infinity])(
      'gives the last response at once if the next attempt would begin after %d ms',
      async (delay) => {
        const { outcome, took, sent } = await within(
          async () => new Response('why', { status: 503 }),
          delay,
        )
        expect(outcome).toMatchObject({ status: 503 })
        expect(await (outcome as Response).text()).toBe('why')
        expect([took, sent]).toEqual([0, 1])
      },
    )

    test('throws the last error at once', async () => {
      const failure = new TypeError('fetch failed')
      const { outcome, took, sent } = await within(() => Promise.reject(failure), 1_000)
      expect(outcome).toBe(failure)
      expect([took, sent]).toEqual([0, 1])
    })

    test('makes the attempts that can begin in time', async () => {
      const { outcome, took, sent } = await within(
        async () => new Response(null, { status: 503 }),
        600,
      )
      expect(outcome).toMatchObject({ status: 503 })
      expect([took, sent]).toEqual([600, 2])
    })
  })

  test.each([
    ['the signal of the options', (signal: AbortSignal) => ['http://a', { signal }] as const],
    [
      'the signal of the request',
      (signal: AbortSignal) => [new Request('http://a', { signal }), {}] as const,
    ],
  ])('ends its wait between two attempts when %s aborts', (_name, call) =>
    runVirtual(async () => {
      const platform = globalThis.fetch
      vi.spyOn(globalThis, 'fetch').mockImplementation(
        async () => new Response(null, { status: 503 }),
      )
      try {
        const reason = new Error('enough')
        const controller = new AbortController()
        const [input, init] = call(controller.signal)
        const begin = getEventLoop().time()
        getEventLoop().callLater(10, () => controller.abort(reason))
        const retry = { attempts: 3, backoff: () => 5_000 }
        await expect(fetch(input, { ...init, retry })).rejects.toBe(reason)
        expect(getEventLoop().time() - begin).toBe(10)
        await expect(platform('http://a', { signal: controller.signal })).rejects.toBe(reason)
      } finally {
        vi.restoreAllMocks()
      }
    }),
  )

  test('throws the error of the function backoff, and does not call the function again', async () => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(
      async () => new Response(null, { status: 503 }),
    )
    const backoff = vi.fn(() => {
      throw new Error('of backoff')
    })
    try {
      await expect(fetch('http://a', { retry: { backoff } })).rejects.toThrow('of backoff')
      expect(backoff).toHaveBeenCalledTimes(1)
    } finally {
      vi.restoreAllMocks()
    }
  })

  test('repeats no POST, and no request that was answered with 404', () => {
    let calls = 0
    return served(
      (request) => {
        calls++
        return new Response(null, { status: request.method === 'POST' ? 503 : 404 })
      },
      async (url) => {
        await fetch(url, { method: 'POST', body: 'x', retry: 3 })
        await fetch(url, { retry: 3 })
        expect(calls).toBe(2)
      },
    )
  })

  test('tries again after a failure of the network', async () => {
    const attempts: number[] = []
    const backoff = (attempt: number): number => {
      attempts.push(attempt)
      return 1
    }
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const call = fetch(`http://127.0.0.1:${port}`, { retry: { attempts: 3, backoff } })
    await expect(call).rejects.toThrow('fetch failed')
    server.close()
    expect(attempts).toEqual([1, 2])
  })

  test.each<[string, string, FetchInit]>([
    ['an invalid URL', 'no URL', {}],
    ['credentials in the URL', 'http://user:secret@a/', {}],
    ['a scheme that fetch does not know', 'ftp://a/', {}],
    ['a port that fetch does not use', 'http://127.0.0.1:1/', {}],
    ['a GET with a body', 'http://a/', { body: 'x' }],
    ['an invalid header', 'http://a/', { headers: { 'a b': 'x' } }],
    ['a header that fetch does not send', 'http://a/', { headers: { expect: '100-continue' } }],
    ['a header of the connection', 'http://a/', { headers: { upgrade: 'x' } }],
  ])('does not repeat a request that can never be sent: %s', async (_name, url, init) => {
    const backoff = vi.fn(() => 1)
    await expect(fetch(url, { ...init, retry: { backoff } })).rejects.toThrow(TypeError)
    expect(backoff).not.toHaveBeenCalled()
  })

  test.each<[string, FetchInit]>([
    ['the redirect that the options forbid', { redirect: 'error' }],
    ['the length of the body', { method: 'PUT', body: 'text', headers: { 'content-length': '9' } }],
  ])('does not repeat a request that fails because of %s', async (_name, init) => {
    const backoff = vi.fn(() => 1)
    await served(
      () => Response.redirect('http://a/'),
      async (url) => {
        const call = fetch(url, { ...init, retry: { backoff } })
        await expect(call).rejects.toThrow('fetch failed')
      },
    )
    expect(backoff).not.toHaveBeenCalled()
  })
})

test('fetch sends the request that a handler got to another server, with its method, headers and body', () =>
  run(async () => {
    await using upstream = await serve(async (request) =>
      Response.json([request.method, request.headers.get('x-a'), await request.text()]),
    )
    await using server = await serve((request) => {
      Object.defineProperty(request, 'url', { value: upstream.url })
      return fetch(request)
    })
    const response = await fetch(server.url, {
      method: 'PUT',
      body: 'body',
      headers: { 'x-a': 'b' },
    })
    expect(await response.json()).toEqual(['PUT', 'b', 'body'])
  }))

test('why() and the snapshot name the URL that a task waits for without its query', () =>
  served(
    (request, log) => (request.method === 'PUT' ? log.work('work') : partial(log)),
    async (url, log) => {
      const head = createTask(() => fetch(`${url}/a?key=secret#b`, { method: 'put' }), {
        name: 'head',
      })
      const body = createTask(
        async () => {
          const response = await fetch(new Request(`${url}/b?key=secret`))
          log.add('has the head')
          return await response.text()
        },
        { name: 'body' },
      )
      await log.until('work began')
      await log.until('has the head')
      await sleep(5)
      expect(why(head)).toBe(`head waits for an answer of PUT ${url}/a`)
      expect(why(body)).toBe(`body waits for the body of an answer of GET ${url}/b`)
      const waits = snapshot().loops.flatMap(({ tasks }) => tasks)
      expect(waits.find(({ name }) => name === 'head')?.waitingOn).toEqual([
        { kind: 'http', label: `an answer of PUT ${url}/a` },
      ])
      head.cancel()
      body.cancel()
      await Promise.allSettled([head, body])
      await log.until('work ended')
      await log.until('source ended')
    },
  ))

test.each([
  { timeout: -1 },
  { timeout: '1' },
  { retry: 0 },
  { retry: 'often' },
  { retry: { backoff: 1 } },
])('fetch refuses wrong options at the call: %j', (init) => {
  expect(() => fetch('http://a', init as never)).toThrow(/option/)
})
