import {
  ContextVar,
  currentTask,
  ensureFuture,
  Future,
  getEventLoop,
  shielded,
  sleep,
} from '@tasktree/core'
import { Client } from 'undici'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'
import { curl, RawClient } from './support/clients.ts'
import { frameworks, type Options, type Work } from './support/frameworks.ts'
import { Log, requestTasks } from './support/probe.ts'

// Express and Connect log nothing if NODE_ENV says `test`, as it does under vitest.
vi.hoisted(() => {
  process.env['NODE_ENV'] = 'production'
})

/** Ways to send a request and leave before the response. */
const clients: Record<string, (url: string, body: string) => Promise<() => Promise<void>>> = {
  curl: async (url, body) => {
    const { leave, result } = curl(...(body === '' ? [] : ['--data-binary', body]), `${url}/work`)
    return async () => {
      leave()
      await result
    }
  },
  undici: async (url, body) => {
    const client = new Client(url)
    const controller = new AbortController()
    const answer = client
      .request({
        path: '/work',
        method: body === '' ? 'GET' : 'POST',
        body: body === '' ? null : body,
        signal: controller.signal,
      })
      .catch(() => {})
    return async () => {
      controller.abort()
      await answer
      await client.destroy()
    }
  },
  'a raw socket': async (url, body) => {
    const client = await RawClient.open(url)
    if (body === '') client.get('/work')
    else {
      client.socket.write(
        `POST /work HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    }
    return async () => client.leave()
  },
}

describe.each(Object.entries(frameworks))('a request scope under %s', (name, start) => {
  let log = new Log()
  let logged: string[] = []
  let url = ''
  let close: () => Promise<void>
  const user = new ContextVar<string>('user')

  const work: Work = async (path, body) => {
    if (path === '/quick') return 'quick'
    if (path === '/fail') throw new Error('boom')
    if (path === '/echo') return `${currentTask()?.name} ${body}`
    if (path === '/late') {
      await sleep(60_000).catch(() => {})
      return 'late'
    }
    if (path === '/clean-up') {
      try {
        return await log.work('work')
      } finally {
        await foreignTurns(body === 'futures' ? ensureFuture : (promise) => promise)
        log.add('clean')
      }
    }
    if (path === '/cancelled') {
      currentTask()?.cancel()
      return await log.work('cancelled')
    }
    if (path.startsWith('/finish')) {
      user.set(path)
      log.add('finish began')
      await Promise.all([sleep(20), sleep(30)])
      log.add('finished')
      return `${user.get()} done`
    }
    return await log.work('work')
  }

  async function begin(options: Options = {}): Promise<void> {
    ;({ url, close } = await start(work, options, (entry) => logged.push(entry)))
  }

  beforeEach(() => {
    log = new Log()
    logged = []
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        logged.push(String(chunk))
        return true
      })
    }
    vi.spyOn(console, 'error').mockImplementation((...args) => void logged.push(args.join(' ')))
    getEventLoop().setExceptionHandler((_loop, context) => void logged.push(context.message))
  })
  afterEach(async () => {
    await close()
    getEventLoop().setExceptionHandler(null)
  })

  describe.each(Object.entries(clients))('and a client that is %s', (_client, send) => {
    test.each([
      ['without a body', 0],
      ['with a body of 64 KiB', 65_536],
    ])(
      'that sends a request %s and leaves: the request is cancelled, and no error is logged',
      async (_body, size) => {
        await begin()
        const staying = fetch(`${url}/finish`)
        const leave = await send(url, 'x'.repeat(size))
        await log.until('work began')
        await leave()
        await log.until('work ended')
        expect(await (await staying).text()).toBe('/finish done')
        await settled()
        expect(logged).toEqual([])
        expect(requestTasks()).toEqual([])
      },
    )
  })

  test('does not cancel a finished request when its connection serves another request', async () => {
    await begin()
    const client = await RawClient.open(url)
    client.get('/quick')
    await client.until('quick')
    client.get('/finish')
    await client.until('done')
    client.leave()
    await settled()
    expect(log.entries).toEqual(['finish began', 'finished'])
    expect(logged).toEqual([])
    expect(requestTasks()).toEqual([])
  })

  test.each(name === 'node:http' || name === 'Hono' ? ['promises', 'futures'] : ['futures'])(
    'lets the clean-up after the client has left wait for futures, and for native promises as %s',
    async (kind) => {
      await begin()
      const client = await RawClient.open(url)
      client.socket.write(
        `POST /clean-up HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: ${kind.length}\r\n\r\n${kind}`,
      )
      await log.until('work began')
      client.leave()
      await log.until('clean')
      await settled()
      expect(logged).toEqual([])
      expect(requestTasks()).toEqual([])
    },
  )

  test('runs the handler in the task of the request after the body was read', async () => {
    await begin()
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: 'body' })
    expect(await answer.text()).toBe('POST /echo body')
  })

  test('gives each request context variables of its own', async () => {
    await begin()
    const paths = ['/finish/1', '/finish/2', '/finish/3']
    const texts = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()))
    expect(texts).toEqual(paths.map((path) => `${path} done`))
  })

  test('answers 503 when the deadline passes', async () => {
    await begin({ deadline: 30 })
    const answer = await fetch(`${url}/work`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    await log.until('work ended')
    await settled()
    expect(requestTasks()).toEqual([])
    expect(logged).toEqual([])
  })

  test('drops the late answer of a handler after its deadline, and logs nothing', async () => {
    await begin({ deadline: 30 })
    const client = await RawClient.open(url)
    client.get('/late')
    await client.until('503 Service Unavailable')
    if (!/^connection: close\r$/im.test(client.text)) {
      client.get('/quick')
      await client.until('quick')
    }
    await settled()
    client.leave()
    // Nest itself logs each answer that comes after the client has left.
    const isOfNest = (entry: string): boolean =>
      name === 'Nest' && entry.includes('Cannot set headers after they are sent')
    expect(logged.filter((entry) => !isOfNest(entry))).toEqual([])
    expect(requestTasks()).toEqual([])
  })

  test('answers a request whose task was cancelled by other code with an error status', async () => {
    await begin()
    const answer = await fetch(`${url}/cancelled`)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(log.entries).toContain('cancelled ended')
    await settled()
    expect(logged).toEqual([])
    expect(requestTasks()).toEqual([])
  })

  test('logs nothing when a client leaves in the middle of its upload', async () => {
    await begin()
    const client = await RawClient.open(url)
    client.socket.write(
      'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhalf',
    )
    while (requestTasks().length === 0) await settled()
    await settled()
    client.leave()
    while (requestTasks().length > 0) await settled()
    await settled()
    expect(logged).toEqual([])
  })

  test('answers 503 to requests beyond maxRequests', async () => {
    await begin({ maxRequests: 1 })
    const client = await RawClient.open(url)
    client.get('/work')
    await log.until('work began')
    const answer = await fetch(`${url}/quick`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    client.leave()
    await log.until('work ended')
    await settled()
    expect(logged).toEqual([])
  })

  testWhere(
    name !== 'requestScope on node:http',
    'without a framework nobody handles the errors of a listener',
  )('lets the framework log an error of the handler', async () => {
    await begin()
    const answer = await fetch(`${url}/fail`)
    expect(answer.status).toBe(500)
    await settled()
    expect(logged.join('')).toMatch(/boom|failed/)
  })
})

/** Waits for promises of Node and for futures, in turn. */
async function foreignTurns(
  wrap: (promise: Promise<unknown>) => PromiseLike<unknown>,
): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await wrap(new Promise((resolve) => setTimeout(resolve, 5)))
    await shielded(() => wrap(new Promise((resolve) => setTimeout(resolve, 5))))
    await sleep(1)
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const future = new Future<void>()
    setTimeout(() => future.setResult(), 5)
    await future
  }
}
