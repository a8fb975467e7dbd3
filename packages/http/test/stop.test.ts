import {
  cancelScope,
  createTask,
  effectiveDeadline,
  newEventLoop,
  run,
  sleep,
  timeout,
} from '@tasktree/core'
import { VirtualClock } from '@tasktree/core/testing'
import { HttpServer, ready, serve } from '@tasktree/http'
import { Event } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

const path = (request: Request): string => new URL(request.url).pathname

/** A virtual clock that stands still until it is released, however long real requests take. */
class HeldClock extends VirtualClock {
  #isHeld = true

  release(): void {
    this.#isHeld = false
  }

  override setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void {
    super.setAlarm(deadline, wake, () => !this.#isHeld && isIdle())
  }
}

describe('a deadline of the server', () => {
  test('answers 503 with Retry-After before the head was sent, and the connection stays open', () =>
    run(async () => {
      const log = new Log()
      await using server = await serve(
        (request) => (path(request) === '/quick' ? new Response('quick') : log.work('work')),
        { deadline: 20 },
      )
      const client = await RawClient.open(server.url)
      client.get('/')
      await client.until('HTTP/1.1 503')
      await client.until('\r\n\r\n')
      expect(client.text).toMatch(/retry-after: 1\r\n/i)
      await log.until('work ended')
      client.get('/quick')
      await client.until('quick')
      client.leave()
      expect(requestTasks()).toEqual([])
    }))

  test('resets the connection after the head was sent', () =>
    run(async () => {
      await using server = await serve(
        () => new Response(new ReadableStream({ pull: () => sleep(60_000) })),
        { deadline: 20 },
      )
      const client = await RawClient.open(server.url)
      client.get('/')
      await client.untilEnd()
      expect(client.text).toMatch(/^HTTP\/1.1 200/)
      expect(client.isReset).toBe(true)
    }))

  test('answers 503 even while the handler awaits something that no cancel can end', () =>
    run(async () => {
      const late = Promise.withResolvers<void>()
      await using server = await serve(
        async () => {
          await late.promise
          return new Response('late')
        },
        { deadline: 20 },
      )
      expect((await fetch(server.url)).status).toBe(503)
      late.resolve()
    }))

  test('ends the reading of a request body', () =>
    run(async () => {
      const log = new Log()
      await using server = await serve(
        async (request) => {
          try {
            return new Response(await request.text())
          } finally {
            log.add('ended')
          }
        },
        { deadline: 20 },
      )
      const client = await RawClient.open(server.url)
      client.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
      await client.until('503')
      await log.until('ended')
      client.leave()
    }))

  test('cancels each later await of a handler that swallows its cancel', () =>
    run(async () => {
      const log = new Log()
      await using server = await serve(
        async () => {
          log.add(effectiveDeadline() < Infinity ? 'has a deadline' : 'has none')
          for (let i = 0; i < 3; i++) {
            try {
              await sleep(60_000)
            } catch {
              log.add(`struck ${i}`)
            }
          }
          return new Response('went on')
        },
        { deadline: 20 },
      )
      expect((await fetch(server.url)).status).toBe(503)
      await log.until('struck 2')
      expect(log.entries).toEqual(['has a deadline', 'struck 0', 'struck 1', 'struck 2'])
    }))

  test('does not cancel a request that is answered in time', () =>
    run(async () => {
      await using server = await serve(() => new Response('quick'), { deadline: 60_000 })
      expect(await (await fetch(server.url)).text()).toBe('quick')
    }))
})

describe('stop() of a server', () => {
  test(
    'with 200 running requests lets those within the grace end, and cancels the others',
    { tags: ['slow'] },
    () =>
      run(async () => {
        const log = new Log()
        let began = 0
        let cancelled = 0
        const server = await serve(
          async (request) => {
            began++
            if (began === 200) log.add('all began')
            try {
              if (Number(path(request).slice(1)) >= 100) await sleep(60_000)
              await log.until('stopping')
              await sleep(20)
            } catch (error) {
              cancelled++
              await sleep(10)
              throw error
            }
            return new Response('done')
          },
          { grace: 500 },
        )
        const answers = Promise.all(
          Array.from({ length: 200 }, async (_, i) => {
            const response = await fetch(`${server.url}/${i}`)
            return [response.status, response.headers.get('connection'), await response.text()]
          }),
        )
        await log.until('all began')
        const stopped = server.stop()
        await sleep(1)
        log.add('stopping')
        await stopped
        expect(cancelled).toBe(100)
        const all = await answers
        for (const answer of all.slice(0, 100)) expect(answer).toEqual([200, 'close', 'done'])
        for (const answer of all.slice(100)) expect(answer).toEqual([503, 'close', ''])
        expect(requestTasks()).toEqual([])
        await expect(fetch(server.url)).rejects.toThrow('fetch failed')
      }),
  )

  test('closes idle connections and accepts no new connections at once, while a request goes on', () =>
    run(async () => {
      const log = new Log()
      const server = await serve(
        (request) => (path(request) === '/quick' ? new Response('quick') : log.work('work')),
        // Both times are longer than the test may take.
        { grace: 60_000, limits: { keepAliveTimeout: 60_000 } },
      )
      const [busy, idle] = [await RawClient.open(server.url), await RawClient.open(server.url)]
      busy.get('/')
      await log.until('work began')
      idle.get('/quick')
      await idle.until('quick')
      const stopped = server.stop()
      await idle.untilEnd()
      await expect(fetch(server.url)).rejects.toThrow('fetch failed')
      expect(log.entries).toEqual(['work began'])
      idle.leave()
      busy.leave()
      await stopped
    }))

  test('lets a response whose head was sent end, and then closes its connection', () =>
    run(async () => {
      async function* parts(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('first')
        await sleep(50)
        yield Buffer.from('last')
      }
      const server = await serve(() => new Response(ReadableStream.from(parts())))
      const client = await RawClient.open(server.url)
      client.get('/')
      await client.until('first')
      await server.stop()
      const text = await client.untilEnd()
      expect(text).toContain('last')
      expect(text).toContain('\r\n0\r\n')
      expect(client.isReset).toBe(false)
      client.leave()
    }))

  test('accepts requests for drainDelay after ready() has begun to answer 503', async () => {
    const clock = new HeldClock()
    const loop = newEventLoop({ clock })
    await loop.runUntilComplete(async () => {
      await using server = await serve(
        (request) => (path(request) === '/ready' ? ready(request) : new Response('served')),
        { drainDelay: 100 },
      )
      expect((await fetch(`${server.url}/ready`)).status).toBe(200)
      const stopped = server.stop()
      await sleep(0)
      const answer = await fetch(`${server.url}/ready`)
      expect([answer.status, answer.headers.get('connection')]).toEqual([503, 'close'])
      expect(await (await fetch(server.url)).text()).toBe('served')
      expect(loop.time()).toBe(0)
      clock.release()
      await stopped
      expect(loop.time()).toBe(100)
      await expect(fetch(server.url)).rejects.toThrow('fetch failed')
    })
    loop.close()
  })

  test('with a grace of 0 cancels requests at once, and waits for their clean-up', () =>
    run(async () => {
      const log = new Log()
      const server = await serve(() => log.workAndClean('work', 20), { grace: 0 })
      const answer = fetch(server.url)
      await log.until('work began')
      await server.stop()
      expect(log.entries).toContain('clean')
      expect((await answer).status).toBe(503)
    }))

  test('that is called twice stops once, and the future closed settles', () =>
    run(async () => {
      const log = new Log()
      const server = await serve(() => new Response())
      const waiting = createTask(async () => {
        await server.closed
        log.add('closed')
      })
      await Promise.all([server.stop(), server.stop()])
      await server.stop()
      await waiting
      expect(log.entries).toEqual(['closed'])
    }))

  test('waits for the clean-up of requests before the future closed settles', () =>
    run(async () => {
      const log = new Log()
      const server = await serve(() => log.workAndClean('work', 40), { grace: 0 })
      const answer = fetch(server.url)
      await log.until('work began')
      const closed = createTask(async () => {
        await server.closed
        log.add('closed')
      })
      const stopped = server.stop()
      expect((await answer).status).toBe(503)
      await closed
      await stopped
      expect(log.entries).toEqual(['work began', 'work ended', 'clean', 'closed'])
    }))

  test('goes on when the task that waits for it is cancelled', () =>
    run(async () => {
      const log = new Log()
      const arrived = new Event()
      const released = new Event()
      const server = await serve(
        async () => {
          arrived.set()
          await released.wait()
          log.add('done')
          return new Response()
        },
        { grace: 60_000 },
      )
      const answer = fetch(server.url)
      await arrived.wait()
      await expect(timeout(5, () => server.stop())).rejects.toThrow('time')
      await expect(timeout(5, async () => await server.closed)).rejects.toThrow('time')
      released.set()
      await server.closed
      await answer
      expect(log.entries).toEqual(['done'])
    }))

  test('is called by await using, in a cancelled scope as well', () =>
    run(async () => {
      const log = new Log()
      const answers: Promise<Response>[] = []
      const task = createTask(() =>
        cancelScope(async (scope) => {
          await using server = await serve(
            async () => {
              log.add('began')
              await sleep(60)
              log.add('done')
              return new Response('done')
            },
            { grace: 10_000 },
          )
          expect(server).toBeInstanceOf(HttpServer)
          answers.push(fetch(server.url))
          await log.until('began')
          scope.cancel()
          await sleep(60_000)
        }),
      )
      expect(await task).toMatchObject({ cancelled: true })
      expect(log.entries).toEqual(['began', 'done'])
      expect(await (await answers[0])?.text()).toBe('done')
    }))

  test('a server that no code has stopped ends with its run', async () => {
    let url = ''
    await run(async () => {
      const server = await serve(async () => {
        await sleep(60_000)
        return new Response()
      })
      url = server.url
      void fetch(url).catch(() => {})
      await sleep(20)
    })
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })
})

test('a server answers requests beyond maxRequests with 503', () =>
  run(async () => {
    const log = new Log()
    await using server = await serve(
      async (request) => {
        log.add(path(request))
        await log.until('go')
        return new Response('done')
      },
      { maxRequests: 2 },
    )
    const answers = ['/1', '/2'].map((each) => fetch(server.url + each))
    await log.until('/1')
    await log.until('/2')
    const refused = await fetch(server.url)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    log.add('go')
    for (const answer of answers) expect(await (await answer).text()).toBe('done')
    expect(await (await fetch(server.url)).text()).toBe('done')
  }))
