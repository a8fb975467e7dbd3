import { ThreadPoolExecutor } from '@tasktree/executor'
import { Lock } from '@tasktree/sync'
import { createSubprocessExec } from '@tasktree/subprocess'
import { allTasks, run, sleep } from '@tasktree/core'
import { fetch as upstreamFetch, serve } from '@tasktree/http'
import { describe, expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

type Options = Parameters<typeof serve>[1]

/** Serves `handler`, and runs `body` as its client. At the end no task of a request may be left. */
function served(
  handler: (request: Request, log: Log) => Promise<Response> | Response,
  body: (context: { url: string; log: Log; open: () => Promise<RawClient> }) => Promise<void>,
  options: Options = {},
): Promise<void> {
  return run(async () => {
    const log = new Log()
    const clients: RawClient[] = []
    await using server = await serve((request) => handler(request, log), options)
    const open = async (): Promise<RawClient> => {
      const client = await RawClient.open(server.url)
      clients.push(client)
      return client
    }
    try {
      await body({ url: server.url, log, open })
      expect(requestTasks()).toEqual([])
    } finally {
      for (const client of clients) client.leave()
    }
  })
}

const path = (request: Request): string => new URL(request.url).pathname

/** A handler that works until it is cancelled. It answers the path `/quick` at once. */
async function work(request: Request, log: Log): Promise<Response> {
  if (path(request) === '/quick') return new Response('quick')
  return await log.work(path(request))
}

/** A handler that answers after 30 ms, and logs whether it was cancelled. */
async function finish(request: Request, log: Log): Promise<Response> {
  log.add(`${path(request)} began`)
  try {
    await sleep(30)
    log.add(`${path(request)} finished`)
  } finally {
    log.add(`${path(request)} ended`)
  }
  return new Response('done')
}

describe('over HTTP/1.1 the request is cancelled when the client', () => {
  test.each<[string, (client: RawClient) => void]>([
    ['closes before the head of the response', (client) => client.leave()],
    ['resets the connection', (client) => client.socket.resetAndDestroy()],
    ['ends its side of the connection, as in nginx and Go', (client) => client.socket.end()],
  ])('%s', (_, end) =>
    served(work, async ({ log, open }) => {
      const client = await open()
      client.get('/work')
      await log.until('/work began')
      end(client)
      await log.until('/work ended')
    }),
  )

  test('closes the connection while the body of the response is sent', () =>
    served(
      (_request, log) => log.endlessResponse(),
      async ({ log, open }) => {
        const client = await open()
        client.get('/')
        await client.until('part')
        client.leave()
        await log.until('the source ended')
      },
    ))

  test('leaves on a connection that has served another request before', () =>
    served(work, async ({ log, open }) => {
      const client = await open()
      client.get('/quick')
      await client.until('quick')
      client.get('/work')
      await log.until('/work began')
      client.leave()
      await log.until('/work ended')
    }))

  test('leaves while its 15 pipelined requests are served: all of them are cancelled', () =>
    served(work, async ({ log, open }) => {
      const client = await open()
      const paths = Array.from({ length: 15 }, (_, i) => `/${i}`)
      for (const each of paths) client.get(each)
      for (const each of paths) await log.until(`${each} began`)
      client.leave()
      for (const each of paths) await log.until(`${each} ended`)
    }))

  test('leaves before it was told to send its body', () =>
    served(work, async ({ log, open }) => {
      const client = await open()
      client.socket.write(
        'POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
      )
      await log.until('/work began')
      expect(client.text).toBe('')
      client.leave()
      await log.until('/work ended')
    }))

  test('leaves in the middle of the body that the handler reads', () =>
    served(
      async (request, log) => {
        log.add('began')
        try {
          return new Response(await request.text())
        } finally {
          log.add('ended')
        }
      },
      async ({ log, open }) => {
        const client = await open()
        client.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
        await log.until('began')
        await sleep(5)
        client.leave()
        await log.until('ended')
      },
    ))

  test.each([1_000, 100_000, 900_000])(
    'leaves after it has sent a body of %i bytes that the handler does not read',
    (size) =>
      served(work, async ({ log, open }) => {
        const client = await open()
        client.socket.write(`POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
        client.socket.write(Buffer.alloc(size))
        await log.until('/work began')
        await sleep(50)
        client.leave()
        await log.until('/work ended')
      }),
  )

  test('leaves after more than 1 MiB that the handler does not read: the next read throws', () =>
    served(
      async (request, log) => {
        log.add('began')
        await log.until('left')
        await sleep(30)
        log.add('reads')
        try {
          await request.text()
        } finally {
          log.add('ended')
        }
        return new Response()
      },
      async ({ log, open }) => {
        const client = await open()
        client.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n`)
        client.socket.write(Buffer.alloc(20_000_000))
        await log.until('began')
        await sleep(50)
        client.leave()
        log.add('left')
        await log.until('ended')
        expect(log.entries).toContain('reads')
      },
    ))

  test('leaves a connection that was upgraded', () => {
    const upgrades = new Log()
    return served(
      () => new Response(),
      async ({ open }) => {
        const client = await open()
        client.get('/socket', ['Connection: Upgrade', 'Upgrade: test'])
        await client.until('101')
        await upgrades.until('upgraded began')
        client.leave()
        await upgrades.until('upgraded ended')
      },
      {
        onUpgrade: async (_request, socket) => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n',
          )
          socket.on('end', () => socket.end()).resume()
          await upgrades.work('upgraded')
        },
      },
    )
  })
})

describe('over HTTP/1.1 the request is not cancelled when', () => {
  test('the body of the request ends', () =>
    served(finish, async ({ log, open }) => {
      const client = await open()
      client.socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
      await client.until('done')
      expect(log.entries).toContain('/a finished')
    }))

  test('the handler answers without having read the body to its end', () =>
    served(finish, async ({ log, open }) => {
      const client = await open()
      client.socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n')
      client.socket.write(Buffer.alloc(300_000))
      await client.until('done')
      expect(log.entries).toContain('/a finished')
      client.get('/b')
      await log.until('/b finished')
    }))

  test('the response is finished: work that the handler has started goes on', () =>
    served(
      async (_request, log) => {
        queueMicrotask(() => {
          void (async () => {
            await sleep(30)
            log.add('afterwards')
          })()
        })
        return new Response('done')
      },
      async ({ log, open }) => {
        const client = await open()
        client.get('/')
        await client.until('done')
        client.leave()
        await log.until('afterwards')
      },
    ))

  test('the client of an idle connection leaves', () =>
    served(finish, async ({ log, open }) => {
      const [idle, busy] = [await open(), await open()]
      idle.get('/quick')
      await idle.until('done')
      busy.get('/a')
      await log.until('/a began')
      idle.leave()
      await log.until('/a finished')
    }))

  test('the client of another request leaves', () =>
    served(
      (request, log) => (path(request) === '/work' ? work(request, log) : finish(request, log)),
      async ({ log, open }) => {
        const [leaving, staying] = [await open(), await open()]
        leaving.get('/work')
        staying.get('/a')
        await log.until('/work began')
        leaving.leave()
        await log.until('/work ended')
        await staying.until('done')
        expect(log.entries).toContain('/a finished')
      },
    ))

  test('the client ends its side of the connection and the server has httpAllowHalfOpen', () =>
    served(
      finish,
      async ({ log, open }) => {
        const client = await open()
        client.get('/a')
        await log.until('/a began')
        client.socket.end()
        await client.until('done')
        expect(log.entries).toContain('/a finished')
      },
      { httpAllowHalfOpen: true },
    ))

  test('the client waits for 100 Continue before it sends its body', () =>
    served(
      async (request) => new Response(`got ${await request.text()}`),
      async ({ open }) => {
        const client = await open()
        client.socket.write(
          'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
        )
        await client.until('100 Continue')
        client.socket.write('body')
        await client.until('got body')
      },
    ))
})

describe('when the client of a request has left', () => {
  test('the signal of the request aborts', () =>
    served(
      async (request, log) => {
        request.signal.addEventListener('abort', () => log.add('aborted'))
        return await log.work('work')
      },
      async ({ log, open }) => {
        const client = await open()
        client.get('/')
        await log.until('work began')
        client.leave()
        await log.until('aborted')
        await log.until('work ended')
      },
    ))

  test('its child processes are dead, its locks are free, and its upstream requests are closed', () => {
    const lock = new Lock()
    let pid = 0
    return served(
      async (request, log) => {
        if (path(request) === '/upstream') return await log.work('upstream')
        await lock.acquire()
        try {
          const upstream = request.headers.get('x-upstream') as string
          await using child = await createSubprocessExec('sleep', ['60'])
          pid = child.pid
          await Promise.all([child.wait(), upstreamFetch(upstream)])
          return new Response()
        } finally {
          lock.release()
          log.add('handler ended')
        }
      },
      async ({ url, log, open }) => {
        const client = await open()
        client.get('/', [`X-Upstream: ${url}/upstream`])
        await log.until('upstream began')
        expect(lock.locked()).toBe(true)
        client.leave()
        await log.until('handler ended')
        await log.until('upstream ended')
        expect(lock.locked()).toBe(false)
        expect(() => process.kill(pid, 0)).toThrow('ESRCH')
      },
    )
  })

  test(
    'its endless job in a pool is ended together with the worker',
    { tags: ['slow'] },
    async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
      await served(
        async (_request, log) => {
          log.add('began')
          try {
            await pool.submit(() => {
              for (;;) continue
            })
          } finally {
            log.add('ended')
          }
          return new Response()
        },
        async ({ log, open }) => {
          const client = await open()
          client.get('/')
          await log.until('began')
          await sleep(50)
          client.leave()
          await log.until('ended')
          // If the job had not been cancelled, the only worker of the pool would be busy for ever.
          expect(await pool.submit((n: number) => n + 1, 41)).toBe(42)
        },
      )
    },
  )

  test('the clean-up of its handler may wait, and is not cancelled again', () =>
    served(
      (_request, log) => log.workAndClean('work', 20),
      async ({ log, open }) => {
        const client = await open()
        client.get('/')
        await log.until('work began')
        client.leave()
        await log.until('clean')
        await sleep(5)
      },
    ))

  test('nothing is reported to onError or to the exception handler', async () => {
    const reports: string[] = []
    await run(async () => {
      for (const task of allTasks()) {
        task.getLoop().setExceptionHandler((_loop, context) => reports.push(context.message))
      }
      const log = new Log()
      await using server = await serve((request) => work(request, log), {
        onError: () => reports.push('onError'),
      })
      const client = await RawClient.open(server.url)
      client.get('/work')
      await log.until('/work began')
      client.leave()
      await log.until('/work ended')
      await sleep(5)
    })
    expect(reports).toEqual([])
  })
})
