import { run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { fetch as undiciFetch, Headers as UndiciHeaders, Response as UndiciResponse } from 'undici'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'
import { requestTasks } from './support/probe.ts'

function served(
  handler: Parameters<typeof serve>[0],
  options: Parameters<typeof serve>[1],
  body: (url: string) => Promise<void>,
): Promise<void> {
  return run(async () => {
    await using server = await serve(handler, options)
    await body(server.url)
    expect(requestTasks()).toEqual([])
  })
}

test('a request whose content-length is beyond maxBody is refused before the handler is called', () => {
  let calls = 0
  return served(
    () => {
      calls++
      return new Response()
    },
    { maxBody: 10 },
    async (url) => {
      expect((await fetch(url, { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200)
      expect((await fetch(url, { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413)
      expect(calls).toBe(1)
    },
  )
})

test('a client that sends Expect: 100-continue for a body beyond maxBody gets 413 before it sends the body', () =>
  served(
    () => new Response(),
    { maxBody: 10 },
    async (url) => {
      const client = await RawClient.open(url)
      client.socket.write(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n',
      )
      await client.untilEnd()
      expect(client.text).toMatch(/^HTTP\/1.1 413 /)
      client.leave()
    },
  ))

test('a chunked request body that grows beyond maxBody is refused while it is read', () => {
  const errors: unknown[] = []
  return served(
    async (request) => new Response(await request.text()),
    { maxBody: 1_000, onError: (error) => errors.push(error) },
    async (url) => {
      const body = ReadableStream.from([new Uint8Array(900), new Uint8Array(900)])
      const response = await fetch(url, { method: 'POST', body, duplex: 'half' })
      expect(response.status).toBe(413)
      expect(errors).toEqual([])
    },
  )
})

test('a request with 10,000 headers is refused by the limit of the head', () =>
  served(
    () => new Response(),
    {},
    async (url) => {
      const client = await RawClient.open(url)
      client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
      for (let i = 0; i < 10_000; i++) client.socket.write(`X-${i}: value\r\n`)
      client.socket.write('\r\n')
      await client.untilEnd()
      expect(client.text).toMatch(/^HTTP\/1.1 431 /)
      client.leave()
    },
  ))

test('a client that sends its head too slowly gets 408 and is disconnected', () =>
  served(
    () => new Response(),
    { limits: { headersTimeout: 50, requestTimeout: 100, connectionsCheckingInterval: 20 } },
    async (url) => {
      const client = await RawClient.open(url)
      client.socket.write('GET / HTTP/1.1\r\n')
      const slowly = setInterval(() => client.socket.write('X-A: b\r\n'), 10)
      await client.untilEnd()
      clearInterval(slowly)
      expect(client.text).toMatch(/^HTTP\/1.1 408 /)
      client.leave()
    },
  ))

test.each(['\0\0\0\0', 'GET / HTTP/1.1\r\nHost a\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n'])(
  'a server answers bytes that are not HTTP with 400: %j',
  (text) =>
    served(
      () => new Response(),
      {},
      async (url) => {
        const client = await RawClient.open(url)
        client.socket.write(text)
        await client.untilEnd()
        expect(client.text).toMatch(/^HTTP\/1.1 400 /)
        client.leave()
      },
    ),
)

test.each([
  ['of undici', () => new UndiciResponse('text', { status: 201, headers: { 'x-a': 'b' } })],
  [
    'of another realm',
    () => {
      const context = { Headers: UndiciHeaders, ReadableStream, Buffer }
      const program = `({ status: 201, statusText: '', bodyUsed: false, headers: new Headers({ 'x-a': 'b' }),
        body: ReadableStream.from([Buffer.from('text')]) })`
      return runInNewContext(program, context) as unknown
    },
  ],
])('a server sends a Response %s that a handler returns', (_name, make) =>
  served(make as () => Response, {}, async (url) => {
    const response = await fetch(url)
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([
      201,
      'b',
      'text',
    ])
  }),
)

test('a server sends a response of undici that a handler has fetched', () =>
  run(async () => {
    await using upstream = await serve(() => new Response('upstream'))
    await using server = await serve(
      async () => (await undiciFetch(upstream.url)) as unknown as Response,
    )
    expect(await (await fetch(server.url)).text()).toBe('upstream')
  }))

test('a response body in parts that is shorter than its Content-Length resets the connection', () => {
  const errors: unknown[] = []
  return served(
    () =>
      new Response(ReadableStream.from(['a', 'b', 'c'].map((each) => Buffer.from(each))), {
        headers: { 'content-length': '5' },
      }),
    { onError: (error) => errors.push(error) },
    async (url) => {
      const client = await RawClient.open(url)
      client.get('/')
      await client.untilEnd()
      expect(client.isReset).toBe(true)
      expect(errors).toHaveLength(1)
    },
  )
})

test('a server reads no more of a response body than a client that reads nothing makes room for', () => {
  let sent = 0
  return served(
    () =>
      new Response(
        new ReadableStream(
          {
            pull(controller) {
              sent += 65_536
              controller.enqueue(new Uint8Array(65_536))
            },
          },
          { highWaterMark: 0 },
        ),
      ),
    {},
    async (url) => {
      const client = await RawClient.open(url)
      client.socket.pause()
      client.get('/')
      await untilSteady(() => sent)
      // Only the buffers of the system and of the socket have taken bytes.
      expect(sent).toBeLessThan(16_000_000)
      client.leave()
      await sleep(50)
    },
  )
})

/** Waits until `count()` is above zero and no longer grows. */
async function untilSteady(count: () => number): Promise<void> {
  let before = 0
  do {
    before = count()
    await sleep(100)
  } while (count() === 0 || count() !== before)
}
