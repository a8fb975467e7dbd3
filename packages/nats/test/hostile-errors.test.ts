import { getEventLoop, sleep, waitFor } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, PoisonedJob, remoteJobs, type WorkerOptions } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const work = {
  proxy: async (): Promise<void> => {
    // oxlint-disable-next-line typescript/only-throw-error -- a worker must survive any value
    throw new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('trap')
        },
      },
    )
  },
  plain: async (): Promise<void> => {
    throw new RangeError('plain')
  },
}
const far = remoteJobs<typeof work>('work')

test('a job fails at once with a value that cannot be looked at, and when retryIf throws', () =>
  runVirtual(async () => {
    const reports: string[] = []
    getEventLoop().setExceptionHandler((_, { message }) => void reports.push(message))
    const server = new MemoryServer()
    const retryIf = (): never => {
      throw new Error('retryIf')
    }
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }),
      own.worker('r', { work }, { retryIf }),
    ])
    await sleep(1_000)
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const begin = getEventLoop().time()
      expect(String(await thrown(sender.executor('q').submit(far.proxy)))).toBe(
        'TypeError: the job threw a value that cannot be looked at',
      )
      expect(reports).toEqual([])
      expect(await thrown(sender.executor('r').submit(far.plain))).toBeInstanceOf(RangeError)
      expect(reports).toEqual([
        'The option retryIf of the worker has failed for an error of work#plain',
      ])
      // A worker that cannot settle a job gets it again only after 30 seconds.
      expect(getEventLoop().time() - begin).toBeLessThan(1_000)
    }
    await system.stop()
  }))

/** Runs a job that throws at a worker with `options`. Returns its error, what was reported, and the milliseconds it took. */
function failAt(
  options: WorkerOptions,
): Promise<{ error: unknown; reports: string[]; ms: number }> {
  return runVirtual(async () => {
    const reports: string[] = []
    getEventLoop().setExceptionHandler((_, { message, exception }) => {
      reports.push(`${message}: ${String(exception)}`)
    })
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }, options),
    ])
    await sleep(1_000)
    let error: unknown
    const begin = getEventLoop().time()
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      error = await thrown(waitFor(sender.executor('q').submit(far.plain), 1_000_000))
    }
    const ms = getEventLoop().time() - begin
    await system.stop()
    return { error, reports, ms }
  })
}

const noAnswers: readonly (readonly [() => unknown, string])[] = [
  [() => NaN, 'RangeError: the result of backoff must be at least 0 ms, got NaN'],
  [() => -5, 'RangeError: the result of backoff must be at least 0 ms, got -5'],
  [() => '5', 'TypeError: the result of backoff must be a number of milliseconds, got string 5'],
  [
    () => undefined,
    'TypeError: the result of backoff must be a number of milliseconds, got undefined',
  ],
  [
    (): never => {
      throw new Error('no')
    },
    'Error: no',
  ],
]

test.for(noAnswers)(
  'a job is tried again after the default delay when backoff gives no answer: %s',
  async ([backoff, why]) => {
    const options = { retryIf: () => true, backoff: backoff as () => number, maxDeliver: 3 }
    const { error, reports, ms } = await failAt(options)
    expect(error).toBeInstanceOf(PoisonedJob)
    const report = `The option backoff of the worker has failed for an error of work#plain: ${why}`
    expect(reports).toEqual([report, report])
    expect(ms).toBeGreaterThan(3_000)
    expect(ms).toBeLessThan(4_000)
  },
)

test('a promise of retryIf does not count as true', async () => {
  const { error, reports } = await failAt({ retryIf: (async () => false) as never })
  expect(error).toBeInstanceOf(RangeError)
  expect(reports).toEqual([
    'The option retryIf of the worker has failed for an error of work#plain: TypeError: the result of retryIf must be true or false, got a promise',
  ])
})
