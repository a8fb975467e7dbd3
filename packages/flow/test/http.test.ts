import { once as onceEvent } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { run, sleep } from '@tasktree/core'
import { CircuitBreaker, constant, map, queued, retry, singleFlight } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { Gauge } from './support/virtual.ts'

/** Starts a server with the handler, requests all paths at the same time, and returns the answers. */
async function answers(handler: RequestListener, paths: readonly string[]): Promise<string[]> {
  const server = createServer({ keepAliveTimeout: 1 }, handler).listen(0)
  await onceEvent(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    return await Promise.all(
      paths.map(async (path) => {
        const response = await fetch(`http://localhost:${port}${path}`)
        return response.text()
      }),
    )
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }
}

function handler(gauge: Gauge): RequestListener {
  const breaker = new CircuitBreaker({ failures: 100, within: 1000, resetAfter: 1000 })
  const load = singleFlight(async (path: string) => {
    await gauge.work(20)
    return path.toUpperCase()
  })
  const inTurn = queued(() => gauge.work(1))
  const answer = async (path: string): Promise<string> => {
    const parts = await map(
      [1, 2, 3],
      (n) =>
        retry(
          (attempt) =>
            breaker.run(async () => {
              if (attempt < n) throw new Error('again')
              await gauge.work(1)
              return n
            }),
          { backoff: constant(1) },
        ),
      { concurrency: 2 },
    )
    await inTurn()
    if (path.startsWith('/bad')) {
      await map([1, 2], async (n) => {
        if (n === 1) throw new Error('bad request')
        await gauge.work(10_000)
      })
    }
    return `${await load(path)} ${parts.join('')}`
  }
  return (request, response) => {
    answer(request.url ?? '').then(
      (text) => response.end(text),
      (error: unknown) => response.end((error as Error).message),
    )
  }
}

const paths = ['/a', '/b', '/a', '/bad', '/a']
const expected = ['/A 123', '/B 123', '/A 123', 'bad request', '/A 123']

test('requests of an http server use map, retry, queued and singleFlight at the same time', async () => {
  const gauge = new Gauge()
  expect(await answers(handler(gauge), paths)).toEqual(expected)
  expect(gauge.running).toBe(0)
})

test('requests of an http server made in a run use map, retry, queued and singleFlight at the same time', async () => {
  const gauge = new Gauge()
  await run(async () => {
    expect(await answers(handler(gauge), paths)).toEqual(expected)
    await sleep(1)
  })
  expect(gauge.running).toBe(0)
})
