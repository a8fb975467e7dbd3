import { currentTask, sleep } from '@tasktree/core'
import { ignoreCancelled, requestScope } from '@tasktree/http/express'
import express, { type ErrorRequestHandler, type Express } from 'express'
import { createRequire } from 'node:module'
import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'
import { RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Starts a server, which is closed after the test. Returns the URL of the server. */
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])(
  'the cancel of the request of a client that has left reaches no error handler of %s',
  (_name, make) => {
    test.each<[string, (app: Express, log: Log, onError: ErrorRequestHandler) => void]>([
      [
        'behind further routes',
        (app, log, onError) => {
          app.use(requestScope())
          app.get('/before', () => {})
          app.use(onError)
          app.get('/work', (_request, _response, next) => void log.work('work').catch(next))
        },
      ],
      [
        'when a router has the scope',
        (app, log) => {
          const router = make.Router()
          router.use(requestScope())
          router.get('/work', (_request, _response, next) => void log.work('work').catch(next))
          app.use(router)
        },
      ],
      [
        'when a route has the scope',
        (app, log) => {
          app.get('/work', requestScope(), (_request, _response, next) => {
            log.work('work').catch(next)
          })
        },
      ],
    ])('%s', async (_case, build) => {
      const log = new Log()
      const handled: unknown[] = []
      const onError: ErrorRequestHandler = (error, _request, _response, next) => {
        handled.push(error)
        next(error)
      }
      const app = make()
      build(app, log, onError)
      app.get('/fail', (_request, _response, next) => next(new Error('a failure')))
      app.use(onError)
      app.use(((_error, _request, response, _next) => {
        response.status(500).send('handled')
      }) as ErrorRequestHandler)
      const client = await RawClient.open(await listen(app))
      client.get('/work')
      await log.until('work began')
      client.leave()
      while (requestTasks().length > 0) await sleep(1)
      const other = await RawClient.open(await listen(app))
      other.get('/fail')
      await other.until('handled')
      other.leave()
      expect(handled).toEqual([expect.objectContaining({ message: 'a failure' })])
    })
  },
)

test.each([
  ['Express 5', express],
  ['Express 4', express4],
])(
  'each middleware of %s is called once for each request, also middleware before the request scope',
  async (_name, make) => {
    const calls: string[] = []
    const passOn: ErrorRequestHandler = (error, _request, _response, next) => next(error)
    const app = make().use(passOn).use(passOn)
    app.use((_request, _response, next) => {
      calls.push('before')
      next()
    })
    app.use(requestScope())
    app.use((_request, response) => {
      calls.push('after')
      response.send('done')
    })
    app.use(passOn)
    const url = await listen(app)
    for (let i = 0; i < 2; i++) expect(await (await fetch(url)).text()).toBe('done')
    expect(calls).toEqual(['before', 'after', 'before', 'after'])
  },
)

test.each([
  ['Express 5', express],
  ['Express 4', express4],
])(
  'the task of a request is named after the whole path if a router of %s has the request scope',
  async (_name, make) => {
    const router = make.Router()
    router.use(requestScope())
    router.get('/users', (_request, response) => void response.send(currentTask()?.name))
    const url = await listen(make().use('/api', router))
    expect(await (await fetch(`${url}/api/users?id=1`)).text()).toBe('GET /api/users')
  },
)

test.each([{}, { deadline: 10_000 }])(
  'an error that later middleware throws reaches the code that called the request scope: options %j',
  async (options) => {
    const scope = requestScope(options)
    const failure = new Error('a failure')
    const thrown: unknown[] = []
    const url = await listen((incoming, outgoing) => {
      try {
        scope(incoming, outgoing, () => {
          throw failure
        })
      } catch (error) {
        thrown.push(error)
        outgoing.writeHead(500).end()
      }
    })
    expect((await fetch(url)).status).toBe(500)
    expect(thrown).toEqual([failure])
    while (requestTasks().length > 0) await sleep(1)
  },
)

test.for(hostile)(
  'a cancelled request whose handler throws %s reaches the error handler',
  async ([, make]) => {
    const log = new Log()
    const value = make()
    const failures: unknown[] = []
    const scope = requestScope()
    const url = await listen((incoming, outgoing) =>
      scope(incoming, outgoing, () => {
        const onEnd = (): void => {
          ignoreCancelled(value, incoming, outgoing, (error) => failures.push(error))
          log.add('handled')
        }
        log.work('work').catch(onEnd)
      }),
    )
    const client = await RawClient.open(url)
    client.get('/')
    await log.until('work began')
    client.leave()
    await log.until('handled')
    expect(failures.length === 1 && failures[0] === value).toBe(true)
  },
)
