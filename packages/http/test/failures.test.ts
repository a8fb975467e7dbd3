import { getRunningLoop, isCancelled, run, sleep } from '@tasktree/core'
import { ClientGoneError, serve, type ServeOptions } from '@tasktree/http'
import type { UnderlyingDefaultSource } from 'node:stream/web'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'
import { RawClient } from './support/clients.ts'
import { Log } from './support/probe.ts'

const bytes = new Uint8Array(3)

/**
 * Runs `body`, and returns what the exception handler of the loop gets. The loop reports a failure that no code has read only at
 * the end of the run.
 */
async function reportsOf(body: () => Promise<void>): Promise<unknown[]> {
  const reports: unknown[] = []
  await run(async () => {
    getRunningLoop().setExceptionHandler((_loop, { message, exception }) =>
      reports.push([message, exception]),
    )
    await body()
  })
  return reports
}

type Source = UnderlyingDefaultSource<Uint8Array>

const sources: [string, () => Source][] = [
  [
    'pull is an async function that waits',
    () => ({
      async pull(controller) {
        await sleep(1)
        controller.enqueue(bytes)
        await sleep(60_000)
      },
    }),
  ],
  [
    'pull returns what it waits for',
    () => {
      let calls = 0
      return {
        pull(controller) {
          controller.enqueue(bytes)
          return calls++ > 0 ? sleep(60_000) : undefined
        },
      }
    },
  ],
  [
    'pull waits for a foreign promise',
    () => ({
      async pull(controller) {
        controller.enqueue(bytes)
        await new Promise(() => {})
      },
    }),
  ],
  [
    'pull waits while a slow reader holds up the response',
    () => ({
      async pull(controller) {
        controller.enqueue(new Uint8Array(16_000_000))
        await sleep(60_000)
      },
    }),
  ],
]

describe.each(sources)('the source of a response stream is cancelled when %s', (_name, source) => {
  test.each(['the client leaves', 'the server stops', 'the deadline passes'])(
    'and %s',
    async (how) => {
      const reports = await reportsOf(async () => {
        const log = new Log()
        const reasons: unknown[] = []
        const options: ServeOptions =
          how === 'the deadline passes' ? { deadline: 50 } : { grace: 0 }
        await using server = await serve(
          () =>
            new Response(
              new ReadableStream<Uint8Array>({
                ...source(),
                async cancel(reason) {
                  reasons.push(reason)
                  if (how !== 'the deadline passes') await sleep(5)
                  log.add('cancelled')
                },
              }),
            ),
          options,
        )
        const client = await RawClient.open(server.url)
        client.socket.pause()
        client.get('/')
        await sleep(25)
        if (how === 'the client leaves') client.leave()
        else if (how === 'the server stops') await server.stop()
        await log.until('cancelled')
        client.leave()
        await server.stop()
        expect(reasons).toHaveLength(1)
        expect(isCancelled(reasons[0])).toBe(true)
        if (how === 'the client leaves') expect(reasons[0]).toBeInstanceOf(ClientGoneError)
      })
      expect(reports).toEqual([])
    },
  )
})

describe.each(['the deadline passes', 'the client leaves', 'the server stops'])(
  'when %s before the handler has answered',
  (how) => {
    async function errorsOf(handler: () => Promise<Response>): Promise<unknown[]> {
      const errors: unknown[] = []
      const reports = await reportsOf(async () => {
        const server = await serve(handler, {
          grace: 0,
          ...(how === 'the deadline passes' ? { deadline: 20 } : {}),
          onError: (error) => void errors.push(error),
        })
        const client = await RawClient.open(server.url)
        client.get('/')
        await sleep(30)
        if (how === 'the client leaves') client.leave()
        await sleep(20)
        await server.stop()
        client.leave()
      })
      expect(reports).toEqual([])
      return errors
    }

    test('a new error that the handler throws because of its cancel reaches onError', async () => {
      const errors = await errorsOf(async () => {
        try {
          await sleep(60_000)
        } catch (cause) {
          throw new Error('the report could not be made', { cause })
        }
        return new Response()
      })
      expect(errors).toEqual([expect.objectContaining({ message: 'the report could not be made' })])
    })

    test('the cancel of the handler does not reach onError', async () => {
      expect(
        await errorsOf(async () => {
          await sleep(60_000)
          return new Response()
        }),
      ).toEqual([])
    })
  },
)

test('an AbortError that the signal of a cancelled request has caused does not reach onError', () =>
  run(async () => {
    const log = new Log()
    const errors: unknown[] = []
    await using server = await serve(
      async (request) => {
        log.add('began')
        try {
          await delay(60_000, null, { signal: request.signal })
        } finally {
          log.add('ended')
        }
        return new Response()
      },
      { onError: (error) => void errors.push(error) },
    )
    const client = await RawClient.open(server.url)
    client.get('/')
    await log.until('began')
    client.leave()
    await log.until('ended')
    await sleep(5)
    expect(errors).toEqual([])
  }))

test.each<[string, (failure: Error) => Promise<void> | void]>([
  [
    'throws',
    (failure) => {
      throw failure
    },
  ],
  ['rejects', async (failure) => await Promise.reject(failure)],
])('an onError that %s is reported, and so is the error that it got', async (_name, fail) => {
  const [error, failure] = [new Error('of the handler'), new Error('of onError')]
  const reports = await reportsOf(async () => {
    await using server = await serve(
      () => {
        throw error
      },
      // oxlint-disable-next-line typescript/no-misused-promises -- users may write an async handler
      { onError: () => fail(failure) },
    )
    expect((await fetch(server.url)).status).toBe(500)
  })
  expect(reports).toEqual([
    ['the handler of GET / has failed', error],
    ['onError has failed', failure],
  ])
})

test.each([
  [
    'a text',
    { start: (c: ReadableStreamDefaultController) => c.enqueue('text') },
    /must give bytes/,
  ],
  [
    'fewer bytes than its content-length says',
    {
      start(c: ReadableStreamDefaultController) {
        c.enqueue(bytes)
        c.close()
      },
    },
    /has 3 bytes, and its content-length is 4/,
  ],
])('a response stream that gives %s is answered with 500', (_name, source, message) =>
  run(async () => {
    const errors: Error[] = []
    await using server = await serve(
      () => new Response(new ReadableStream(source), { headers: { 'content-length': '4' } }),
      { onError: (error) => void errors.push(error as Error) },
    )
    expect((await fetch(server.url)).status).toBe(500)
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(message) as string }),
    ])
  }),
)

/** A response of another library, whose body has a reader with these methods. */
function foreignResponse(read: () => unknown, cancel: () => unknown): Response {
  const body = { locked: false, getReader: () => ({ read, cancel }) }
  return Object.defineProperty(new Response('text'), 'body', { value: body })
}

/** A method that returns `value` the first two times, and then `next()`. */
function thirdTime(value: unknown, next: () => unknown): () => unknown {
  let calls = 0
  return () => (calls++ < 2 ? value : next())
}

const part = Promise.resolve({ done: false, value: bytes })
const failing = (): never => {
  throw new Error('of the body')
}

test.each<[string, () => unknown, () => unknown, RegExp]>([
  ['gives null', async () => null, async () => {}, /null/],
  ['gives null late', thirdTime(part, async () => null), async () => {}, /null/],
  ['gives a value late', thirdTime(part, () => 5), async () => {}, /not a function/],
  ['throws late', thirdTime(part, failing), async () => {}, /of the body/],
])(
  'a response body of another library that %s ends the response with an error',
  (_name, read, cancel, message) =>
    run(async () => {
      const errors: unknown[] = []
      await using server = await serve(() => foreignResponse(read, cancel), {
        onError: (error) => void errors.push(error),
      })
      await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow(
        /terminated|failed/,
      )
      expect(errors.map(String)).toEqual([expect.stringMatching(message) as string])
    }),
)

test('an error that a response body of another library throws at its cancel reaches onError', () =>
  run(async () => {
    const log = new Log()
    await using server = await serve(
      () => {
        log.add('began')
        return foreignResponse(() => new Promise(() => {}), failing)
      },
      { onError: (error) => log.add(String(error)) },
    )
    const client = await RawClient.open(server.url)
    client.get('/')
    await client.until('200 OK')
    client.leave()
    await log.until('Error: of the body')
  }))

test.for(hostile)(
  'a handler that throws %s is answered with 500, and onError gets the value',
  ([, make]) =>
    run(async () => {
      const value = make()
      const errors: unknown[] = []
      await using server = await serve(
        () => {
          throw value
        },
        { onError: (error) => void errors.push(error) },
      )
      expect((await fetch(server.url)).status).toBe(500)
      expect(errors.length === 1 && errors[0] === value).toBe(true)
    }),
)

test.for(hostile)('a handler that throws %s after its cancel is reported to onError', ([, make]) =>
  run(async () => {
    const log = new Log()
    const value = make()
    const errors: unknown[] = []
    await using server = await serve(
      async () => {
        await log.work('work').catch(() => {})
        throw value
      },
      {
        onError: (error) => {
          errors.push(error)
          log.add('reported')
        },
      },
    )
    const client = await RawClient.open(server.url)
    client.get('/')
    await log.until('work began')
    client.leave()
    await log.until('reported')
    expect(errors.length === 1 && errors[0] === value).toBe(true)
  }),
)

test.for(hostile)('a handler that returns %s is answered with 500', ([, make]) =>
  run(async () => {
    const errors: unknown[] = []
    await using server = await serve(() => make() as Response, {
      onError: (error) => void errors.push(error),
    })
    expect((await fetch(server.url)).status).toBe(500)
    expect(errors).toHaveLength(1)
  }),
)

test.each([204, 205, 304])('a response with the status %i has no content-length header', (status) =>
  run(async () => {
    await using server = await serve(
      () => new Response(null, { status, headers: { 'content-length': '3' } }),
    )
    const client = await RawClient.open(server.url)
    client.get('/', ['Connection: close'])
    const text = await client.untilEnd()
    client.leave()
    expect(text).toContain(` ${status} `)
    expect(text).not.toMatch(/content-length/i)
  }),
)

describe('a refused upgrade', () => {
  async function refusal(onUpgrade: NonNullable<ServeOptions['onUpgrade']>): Promise<string> {
    let text = ''
    const reports = await reportsOf(async () => {
      await using server = await serve(() => new Response(), { onUpgrade })
      const client = await RawClient.open(server.url)
      client.get('/', ['Connection: upgrade', 'Upgrade: websocket'])
      text = await client.untilEnd()
      client.leave()
    })
    expect(reports).toEqual([])
    return text
  }

  const response = (): Response =>
    new Response('log in first', { status: 401, headers: { 'www-authenticate': 'Basic' } })

  test.each<[string, NonNullable<ServeOptions['onUpgrade']>]>([
    [
      'thrown',
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- a handler may throw a response as its answer
        throw response()
      },
    ],
    ['returned', async () => response()],
  ])('sends the status, the headers and the body of the Response that was %s', async (_, hook) => {
    const text = await refusal(hook)
    expect(text).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/)
    expect(text).toMatch(/^www-authenticate: Basic\r$/im)
    expect(text).toMatch(/^connection: close\r$/im)
    expect(text).toMatch(/\r\n\r\nlog in first$/)
  })

  test('sends a long stream to its end, and an upgrade header with the status 426', async () => {
    const part = Buffer.alloc(100_000, 'x')
    const text = await refusal(
      () =>
        new Response(ReadableStream.from([part, part, part]), {
          status: 426,
          headers: { upgrade: 'websocket' },
        }),
    )
    expect(text).toMatch(/^upgrade: websocket\r$/im)
    expect(text.match(/x{100}/g)).toHaveLength(3_000)
    expect(text).toMatch(/\r\n0\r\n\r\n$/)
  })
})
