import { ContextVar, currentTask, run, sleep, timeout } from '@tasktree/core'
import { connection, Response as LightResponse, serve } from '@tasktree/http'
import { describe, expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'

/** Serves `handler` while `body` runs. `body` gets the URL of the server. */
function served<T>(
  handler: Parameters<typeof serve>[0],
  body: (url: string) => Promise<T>,
  options: Parameters<typeof serve>[1] = {},
): Promise<T> {
  return run(async () => {
    await using server = await serve(handler, options)
    return await body(server.url)
  })
}

describe('a request is a task', () => {
  test('named after the method and the path', async () => {
    const name = await served(
      () => new Response(currentTask()?.name),
      async (url) =>
        (await fetch(`${url}/some/path?with=query`, { method: 'PUT', body: 'x' })).text(),
    )
    expect(name).toBe('PUT /some/path')
  })

  test('with context variables of its own', async () => {
    const user = new ContextVar<string>('user', { default: 'nobody' })
    const texts = await served(
      async (request) => {
        const before = user.get()
        user.set(new URL(request.url).pathname)
        await sleep(5)
        return new Response(`${before} ${user.get()}`)
      },
      async (url) =>
        Promise.all(['/a', '/b'].map(async (path) => (await fetch(url + path)).text())),
    )
    expect(texts).toEqual(['nobody /a', 'nobody /b'])
  })

  test('sees the context variables of the task that has started the server', async () => {
    const user = new ContextVar<string>('user')
    const text = await run(async () => {
      user.set('starter')
      await using server = await serve(() => new Response(user.get()))
      return (await fetch(server.url)).text()
    })
    expect(text).toBe('starter')
  })

  test('has timeouts that do not reach another request', async () => {
    const statuses = await served(
      async (request) => {
        if (request.url.endsWith('/slow')) await timeout(10, () => sleep(60_000))
        await sleep(30)
        return new Response()
      },
      async (url) =>
        Promise.all(['/slow', '/other'].map(async (path) => (await fetch(url + path)).status)),
      { onError: () => {} },
    )
    expect(statuses).toEqual([500, 200])
  })
})

describe('the request that a handler gets', () => {
  test('has the properties and methods of a Request', async () => {
    const seen: unknown[] = []
    await served(
      async (request) => {
        seen.push(request instanceof Request, request.method, new URL(request.url).pathname)
        seen.push(
          request.headers.get('x-a'),
          request.bodyUsed,
          request.mode,
          request.signal.aborted,
        )
        seen.push(await request.text(), request.bodyUsed)
        await expect(request.text()).rejects.toThrow(TypeError)
        return new Response()
      },
      (url) => fetch(`${url}/p`, { method: 'POST', headers: { 'X-A': 'b' }, body: 'é' }),
    )
    expect(seen).toEqual([true, 'POST', '/p', 'b', false, 'cors', false, 'é', true])
  })

  test.each([
    ['json', '{"a":1}', { a: 1 }],
    ['text', 'abc', 'abc'],
    ['bytes', 'ab', new Uint8Array([97, 98])],
    ['arrayBuffer', 'ab', new Uint8Array([97, 98]).buffer],
  ] as const)('gives its body by %s()', async (name, body, expected) => {
    let value: unknown
    await served(
      async (request) => {
        value = await request[name]()
        return new Response()
      },
      (url) => fetch(url, { method: 'POST', body }),
    )
    expect(name === 'bytes' ? new Uint8Array(value as Uint8Array) : value).toEqual(expected)
  })

  test('gives its body as form, blob and stream, and can be cloned', async () => {
    const seen: unknown[] = []
    const form = new FormData()
    form.set('name', 'value')
    form.set('file', new Blob(['content'], { type: 'text/plain' }), 'a.txt')
    await served(
      async (request) => {
        switch (new URL(request.url).pathname) {
          case '/form': {
            const data = await request.formData()
            seen.push(data.get('name'), await (data.get('file') as File).text())
            break
          }
          case '/blob': {
            const blob = await request.blob()
            seen.push(blob.type, await blob.text())
            break
          }
          case '/stream': {
            let text = ''
            for await (const chunk of request.body as ReadableStream<Uint8Array>) {
              text += Buffer.from(chunk).toString()
            }
            seen.push(text)
            break
          }
          default: {
            const clone = request.clone()
            seen.push(clone.constructor === Request, clone.headers.get('x-a'))
            seen.push(await Promise.all([request.text(), clone.text()]))
          }
        }
        return new Response()
      },
      async (url) => {
        await fetch(`${url}/form`, { method: 'POST', body: form })
        const headers = { 'content-type': 'text/x' }
        await fetch(`${url}/blob`, { method: 'POST', body: 'blob', headers })
        await fetch(`${url}/stream`, { method: 'POST', body: 'stream' })
        await fetch(`${url}/clone`, { method: 'POST', body: 'twice', headers: { 'x-a': '1' } })
      },
    )
    expect(seen).toEqual([
      'value',
      'content',
      'text/x',
      'blob',
      'stream',
      true,
      '1',
      ['twice', 'twice'],
    ])
  })

  test('has the address of its client and the raw request in connection()', async () => {
    const seen = await served(
      (request) => {
        const { remoteAddress, remotePort, encrypted, rawRequest } = connection(request)
        return Response.json([remoteAddress, typeof remotePort, encrypted, rawRequest.url])
      },
      async (url) => (await fetch(`${url}/x`)).json(),
    )
    expect(seen).toEqual(['127.0.0.1', 'number', false, '/x'])
    expect(() => connection(new Request('http://a'))).toThrow(TypeError)
  })

  test.each([
    ['/a//b', 'localhost', 'http://localhost/a//b'],
    ['/a/../b?c=d', 'localhost', 'http://localhost/b?c=d'],
    ['/%7e?q=<>', 'LOCALHOST:80', 'http://localhost/%7e?q=%3C%3E'],
    ['//evil/x', 'localhost', 'http://localhost//evil/x'],
    ['http://other.example/x', 'localhost', 'http://other.example/x'],
  ])('for %s at the host %s has the URL %s', async (target, host, expected) => {
    await served(
      (request) => new Response(request.url),
      async (url) => {
        const client = await RawClient.open(url)
        client.socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        expect(await client.untilEnd()).toMatch(
          new RegExp(`\\r\\n\\r\\n${RegExp.escape(expected)}$`),
        )
        client.leave()
      },
    )
  })

  test.each(['a b', 'a/b', 'user@host', 'a?b', '[::1', ''])(
    'is not made for a host %j, which is refused with 400',
    async (host) => {
      await served(
        () => new Response('served'),
        async (url) => {
          const client = await RawClient.open(url)
          client.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
          expect(await client.untilEnd()).toMatch(/^HTTP\/1.1 400 /)
          client.leave()
        },
      )
    },
  )
})

describe('the response that a handler returns', () => {
  test('is sent with its status, text, headers and cookies', async () => {
    await served(
      () => {
        const headers = new Headers({ 'x-a': 'b' })
        headers.append('set-cookie', 'a=1')
        headers.append('set-cookie', 'b=2')
        return new Response('text', { status: 201, statusText: 'Made', headers })
      },
      async (url) => {
        const response = await fetch(url)
        expect([response.status, response.statusText]).toEqual([201, 'Made'])
        expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
        expect(response.headers.get('x-a')).toBe('b')
        expect(response.headers.get('content-length')).toBe('4')
        expect(await response.text()).toBe('text')
      },
    )
  })

  const oddNames = { constructor: 'a', ['__proto__']: 'b', tostring: 'c' }

  test.each([
    ['Response', () => new Response('text', { headers: Object.entries(oddNames) })],
    ['LightResponse', () => new LightResponse('text', { headers: oddNames })],
  ])('is sent with headers named like properties of objects, as a %s', (_name, make) =>
    served(make, async (url) => {
      const { headers } = await fetch(url)
      expect(headers.get('constructor')).toBe('a')
      expect(headers.get('__proto__')).toBe('b')
      expect(headers.get('tostring')).toBe('c')
    }),
  )

  test.each([
    ['null', () => new Response(null), ''],
    ['a text', () => new LightResponse('é'), 'é'],
    ['bytes', () => new LightResponse(new Uint8Array([97])), 'a'],
    ['JSON', () => LightResponse.json({ a: 1 }), '{"a":1}'],
    ['a form', () => new LightResponse(new URLSearchParams('a=b')), 'a=b'],
    ['a blob', () => new Response(new Blob(['blob'])), 'blob'],
    ['an empty stream', () => new Response(ReadableStream.from([])), ''],
    [
      'a stream',
      () => new Response(ReadableStream.from([Buffer.from('a'), Buffer.from('b')])),
      'ab',
    ],
  ])('is sent with a body of %s', async (_name, make, expected) => {
    await served(make, async (url) => {
      const response = await fetch(url)
      expect(await response.text()).toBe(expected)
      const head = await fetch(url, { method: 'HEAD' })
      expect(await head.text()).toBe('')
      expect(head.status).toBe(200)
    })
  })

  test('is sent without a body if its status is 204 or 304', async () => {
    await served(
      (request) => new LightResponse(null, { status: request.url.endsWith('4') ? 204 : 304 }),
      async (url) => {
        const response = await fetch(`${url}/4`)
        expect(response.status).toBe(204)
        expect(response.headers.has('content-length')).toBe(false)
        expect((await fetch(`${url}/3`)).status).toBe(304)
      },
    )
  })

  test('is sent if it was thrown', async () => {
    await served(
      async () => {
        // oxlint-disable-next-line typescript/only-throw-error -- a handler may throw a Response as its answer
        throw new Response('no', { status: 403 })
      },
      async (url) => {
        const response = await fetch(url)
        expect([response.status, await response.text()]).toEqual([403, 'no'])
      },
    )
  })

  test('is sent with its head at once if its stream is slow', async () => {
    await served(
      () => new Response(new ReadableStream({ pull: () => sleep(60_000) })),
      async (url) => {
        const response = await fetch(url)
        expect(response.status).toBe(200)
        await response.body?.cancel()
      },
    )
  })
})

describe('an error that a handler throws', () => {
  test('is answered with 500 without details, and onError gets the error', async () => {
    const errors: unknown[] = []
    const error = new Error('the secret')
    await served(
      async () => {
        throw error
      },
      async (url) => {
        const response = await fetch(`${url}/x`)
        expect([response.status, await response.text()]).toEqual([500, ''])
      },
      { onError: (seen, request) => errors.push(seen, request.url.replace(/.*\//, '')) },
    )
    expect(errors).toEqual([error, 'x'])
  })

  test('resets the connection after the head was sent', async () => {
    const errors: unknown[] = []
    const partRead = Promise.withResolvers<void>()
    await served(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(Buffer.from('part'))
            },
            async pull() {
              await partRead.promise
              throw new Error('the source has failed')
            },
          }),
        ),
      async (url) => {
        const client = await RawClient.open(url)
        client.get('/')
        await client.until('part')
        partRead.resolve()
        await client.untilEnd()
        expect(client.text).not.toContain('\r\n0\r\n')
        expect(client.isReset).toBe(true)
      },
      { onError: (error) => errors.push((error as Error).message) },
    )
    expect(errors).toEqual(['the source has failed'])
  })

  test('goes to the exception handler of the loop when there is no onError', async () => {
    const messages: string[] = []
    await run(async () => {
      currentTask()
        ?.getLoop()
        .setExceptionHandler((_loop, context) => messages.push(context.message))
      await using server = await serve(() => {
        throw new Error('boom')
      })
      expect((await fetch(`${server.url}/x`)).status).toBe(500)
    })
    expect(messages).toEqual(['the handler of GET /x has failed'])
  })

  test.each([
    ['undefined', () => undefined],
    ['a text', () => 'text'],
    [
      'a used body',
      async () => {
        const response = new Response('text')
        await response.text()
        return response
      },
    ],
    ['a stream of texts', () => new Response(ReadableStream.from(['text']) as ReadableStream)],
    [
      'the status 101',
      () => ({ status: 101, statusText: '', headers: new Headers(), body: null, bodyUsed: false }),
    ],
    [
      'a header with a line break',
      () => ({ status: 200, statusText: '', headers: [['x', 'a\r\nb: c']], body: null }),
    ],
    [
      'a status text with a line break',
      () => ({ status: 200, statusText: 'a\r\nb', headers: [], body: null }),
    ],
    ['Response.error()', () => Response.error()],
  ])('is a TypeError if the response of the handler is %s', async (_name, handler) => {
    const errors: unknown[] = []
    await served(
      handler as () => Response,
      async (url) => {
        const response = await fetch(url).catch(() => null)
        expect(response === null || response.status === 500).toBe(true)
        await response?.text().catch(() => {})
      },
      { onError: (error) => errors.push(error) },
    )
    expect(errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(TypeError)
  })
})

describe('wrong arguments are refused at the call', () => {
  const handler = (): Response => new Response()
  test.each([
    [null, {}],
    [handler, null],
    [handler, { port: -1 }],
    [handler, { port: 1.5 }],
    [handler, { port: '80' }],
    [handler, { host: '' }],
    [handler, { path: '/tmp/x', port: 1 }],
    [handler, { tls: true }],
    [handler, { deadline: -1 }],
    [handler, { grace: 'long' }],
    [handler, { drainDelay: Number.NaN }],
    [handler, { maxBody: 1.5 }],
    [handler, { maxRequests: 0 }],
    [handler, { onError: 1 }],
    [handler, { onUpgrade: 1 }],
    [handler, { httpAllowHalfOpen: 1 }],
    [handler, { limits: 1 }],
  ])('serve(%o, %o)', (first, options) => {
    expect(() => serve(first as never, options as never)).toThrow(/Error|option|serve|port/)
  })

  test('serve() throws for a port that is in use', async () => {
    await served(handler, async (url) => {
      await expect(serve(handler, { port: Number(new URL(url).port) })).rejects.toThrow(
        'EADDRINUSE',
      )
    })
  })
})
