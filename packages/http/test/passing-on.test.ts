import { run } from '@tasktree/core'
import { fetch, Response as LightResponse, serve } from '@tasktree/http'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'

const text = 'text '.repeat(100)

/** Sends one request with `Connection: close`, and returns the head and the body of the answer. */
async function answerOf(url: string, head = 'GET / HTTP/1.1\r\nHost: a\r\n'): Promise<string> {
  const client = await RawClient.open(url)
  client.socket.write(`${head}Connection: close\r\n\r\n`)
  const answer = await client.untilEnd()
  client.leave()
  return answer
}

const handlers: [string, (url: string) => Promise<Response>][] = [
  ['itself', (url) => fetch(url)],
  [
    'in a Response with its headers',
    async (url) => {
      const upstream = await fetch(url)
      return new Response(upstream.body, upstream)
    },
  ],
]

test.each(handlers)(
  'a response of fetch whose body was decompressed is sent on without content-encoding, %s',
  (_name, handler) =>
    run(async () => {
      for (const [coding, body] of [
        ['gzip', gzipSync(text)],
        ['br', brotliCompressSync(text)],
      ] as const) {
        await using upstream = await serve(
          () => new Response(body, { headers: { 'content-encoding': coding, 'x-kept': 'yes' } }),
        )
        await using server = await serve(() => handler(upstream.url))
        const answer = await answerOf(server.url)
        expect(answer).not.toMatch(/content-encoding/i)
        expect(answer).not.toContain(`content-length: ${body.length}`)
        expect(answer).toMatch(/x-kept: yes/)
        expect(await (await fetch(server.url)).text()).toBe(text)
      }
    }),
)

test.each(handlers)(
  'a response of fetch that was not decompressed is sent on with its headers, %s',
  (_name, handler) =>
    run(async () => {
      await using upstream = await serve(
        () => new Response('as it is', { headers: { 'content-encoding': 'made-up' } }),
      )
      await using server = await serve(() => handler(upstream.url))
      const answer = await answerOf(server.url)
      expect(answer).toMatch(/content-encoding: made-up\r\n/)
      expect(answer).toMatch(/content-length: 8\r\n/)
      expect(answer).toMatch(/as it is$/)
    }),
)

test('a response that a handler has compressed keeps its content-encoding', () =>
  run(async () => {
    await using server = await serve(
      () => new Response(gzipSync(text), { headers: { 'content-encoding': 'gzip' } }),
    )
    expect(await answerOf(server.url)).toMatch(/content-encoding: gzip\r\n/)
    expect(await (await fetch(server.url)).text()).toBe(text)
  }))

const ofConnections = {
  connection: 'x-a',
  'keep-alive': 'timeout=1234',
  'proxy-connection': 'close',
  te: 'trailers',
  trailer: 'x-b',
  'transfer-encoding': 'chunked',
  upgrade: 'h2c',
}

test.each([
  ['a text', () => new LightResponse('text', { headers: ofConnections })],
  ["a text of the platform's class", () => new Response('text', { headers: ofConnections })],
  [
    'a stream',
    () => new Response(ReadableStream.from([Buffer.from('text')]), { headers: ofConnections }),
  ],
])(
  'headers that belong to the connection of an upstream server are not sent on: %s',
  (_name, handler) =>
    run(async () => {
      await using server = await serve(handler)
      const answer = await answerOf(server.url)
      expect(answer).toMatch(/^connection: close\r$/im)
      expect(answer).not.toMatch(
        /^(keep-alive|proxy-connection|te|trailer|upgrade|transfer-encoding):/im,
      )
      expect(answer).toMatch(/^content-length: 4\r$/im)
      expect(answer).toMatch(/\r\n\r\ntext$/)
    }),
)

test.each([
  ['a text', () => new LightResponse('text', { headers: { connection: 'close' } })],
  [
    "a text of the platform's class",
    () => new Response('text', { headers: { connection: 'Close' } }),
  ],
  ['a list', () => new LightResponse('text', { headers: { connection: 'x-a, close' } })],
])(
  'the server closes the connection after a response with `Connection: close`: %s',
  (_name, handler) =>
    run(async () => {
      await using server = await serve(handler)
      const client = await RawClient.open(server.url)
      client.get('/')
      const answer = await client.untilEnd()
      client.leave()
      expect(answer).toMatch(/^connection: close\r$/im)
      expect(answer).toMatch(/\r\n\r\ntext$/)
    }),
)

test.each([
  ['an empty Host', 'GET /x/admin/users HTTP/1.1\r\nHost:\r\n'],
  ['an empty Host, and a path with two slashes', 'GET //x HTTP/1.1\r\nHost: \r\n'],
  ['a whole URL without a host', 'GET http:///x/admin HTTP/1.1\r\nHost: a\r\n'],
])('a request with %s is refused with 400', (_name, head) =>
  run(async () => {
    const seen: string[] = []
    await using server = await serve((request) => {
      seen.push(request.url)
      return new Response()
    })
    expect(await answerOf(server.url, head)).toMatch(/^HTTP\/1.1 400 /)
    expect(seen).toEqual([])
  }),
)

test('a request path that begins with two slashes stays a path in the URL', () =>
  run(async () => {
    await using server = await serve((request) => new Response(request.url))
    expect(await answerOf(server.url, 'GET //x/y HTTP/1.1\r\nHost: a\r\n')).toMatch(
      /http:\/\/a\/\/x\/y$/,
    )
    expect(await answerOf(server.url, 'GET //x/y HTTP/1.0\r\n')).toMatch(
      /http:\/\/localhost\/\/x\/y$/,
    )
  }))
