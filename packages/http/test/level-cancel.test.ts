import { getRunningLoop, run, sleep, sleepForever } from '@tasktree/core'
import { fetch, serve, sse } from '@tasktree/http'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { requestTasks } from './support/probe.ts'

/** Waits for the next moment of a cancel. The first 20 moments are one turn apart. Later ones are 3 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 20 ? 0 : 3).then(() => {})

async function* ticks(): AsyncGenerator<{ data: string }> {
  for (let i = 0; ; i++) {
    yield { data: String(i) }
    await sleep(1)
  }
}

const operations: Record<string, (url: string) => Promise<unknown>> = {
  'a fetch and its body': async (url) => (await fetch(url)).text(),
  'a fetch of a stream that goes on': async (url) => (await fetch(`${url}/events`)).text(),
  'a fetch of a response that never comes': (url) => fetch(`${url}/never`),
  'an upload of a stream': (url) => {
    const body = ReadableStream.from(
      (async function* () {
        for (let i = 0; i < 5; i++) {
          yield Buffer.from('part')
          await sleep(1)
        }
      })(),
    )
    return fetch(url, { method: 'POST', body, duplex: 'half' })
  },
  'a server that serves a request': async () => {
    await using server = await serve(async () => {
      await sleep(1)
      return new Response('text')
    })
    await (await fetch(server.url)).text()
  },
  'a server whose handler goes on': async () => {
    await using server = await serve(() => sleepForever(), { grace: 10 })
    await fetch(server.url)
  },
}

describe('a scope that is cancelled in any turn of these operations ends without a busy loop, and leaves nothing', () => {
  test.each(Object.keys(operations))('%s', { tags: ['slow'] }, (name) =>
    run(async () => {
      // A cancelled client leaves, and the server may report the error that its handler then throws.
      getRunningLoop().setExceptionHandler(() => {})
      await using server = await serve(
        async (request) => {
          if (request.url.endsWith('/events')) return sse(ticks())
          if (request.url.endsWith('/never')) return sleepForever()
          return new Response(await request.text())
        },
        { grace: 10 },
      )
      const cancels = await sweepLevelCancel({
        operate: () => (operations[name] as (url: string) => Promise<unknown>)(server.url),
        moment,
        moments: 36,
        grace: 10_000,
        settle: 3_000,
      })
      expect(cancels).toBeGreaterThan(0)
      for (let i = 0; i < 1_000 && requestTasks().length > 0; i++) await sleep(1)
      expect(requestTasks()).toEqual([])
    }),
  )
})
