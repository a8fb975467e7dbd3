import { connect } from 'node:net'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { run, sleep, timeout, TimeoutError } from '@tasktree/core'
import { fetch, serve } from '@tasktree/http'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('fetch sends a body that is an asynchronous iterable only once, even with the option retry', () =>
  run(async () => {
    const received: string[] = []
    await using server = await serve(async (request) => {
      received.push(await request.text())
      return new Response('busy', { status: 503 })
    })
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield bytes('a')
      await sleep(1)
      yield bytes('b')
    }
    for (const body of [parts(), Readable.from([bytes('ab')]), ReadableStream.from(parts())]) {
      const response = await fetch(server.url, {
        method: 'PUT',
        body: body as unknown as ReadableStream,
        duplex: 'half',
        retry: 3,
      })
      expect(await response.text()).toBe('busy')
    }
    expect(received).toEqual(['ab', 'ab', 'ab'])
  }))

test('fetch with signal: null ignores the aborted signal of its request', () =>
  run(async () => {
    await using server = await serve(() => new Response('hello'))
    const request = new Request(server.url, { signal: AbortSignal.abort() })
    expect(await (await fetch(request, { signal: null, retry: 2 })).text()).toBe('hello')
    await expect(fetch(request)).rejects.toThrow('aborted')
  }))

test('a response of fetch can be cloned after its property body was read', () =>
  run(async () => {
    await using server = await serve(() => new Response('hello'))
    const response = await fetch(server.url)
    expect(response.body).not.toBeNull()
    const copy = response.clone()
    expect(await copy.text()).toBe('hello')
    expect(await new Response(response.body).text()).toBe('hello')
    expect(() => response.clone()).toThrow(TypeError)
    const other = await fetch(server.url)
    other.body?.getReader()
    expect(() => other.clone()).toThrow(TypeError)
  }))

test(
  'a cancel ends the reading of a cloned response of fetch',
  () =>
    run(async () => {
      await using server = await serve(
        () =>
          new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(bytes('part')),
            }),
          ),
        { grace: 0 },
      )
      const response = await fetch(server.url)
      const copy = response.clone()
      expect(await thrown(timeout(50, () => copy.text()))).toBeInstanceOf(TimeoutError)
    }),
  20_000,
)

test('fetch refuses a content-length that is not a number before it sends the head', () =>
  run(async () => {
    const errors: string[] = []
    await using server = await serve(
      (request) =>
        new Response(new URL(request.url).search === '' ? 'ten letters'.slice(0, 10) : null, {
          headers: new Headers({ 'content-length': '1e1' }),
        }),
      { onError: (error) => void errors.push(String(error)) },
    )
    for (const [method, path] of [
      ['GET', '/'],
      ['HEAD', '/'],
      ['GET', '/?empty'],
    ] as const) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      let head = ''
      socket.on('data', (chunk) => (head += String(chunk)))
      await once(socket, 'close')
      expect(head).toMatch(/^HTTP\/1\.1 500 /)
    }
    expect(errors).toEqual(
      Array.from(
        { length: 3 },
        () => 'TypeError: the content-length of a response must be digits, got string 1e1',
      ),
    )
  }))
