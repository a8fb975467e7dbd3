import { Future, run, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobWaiters, type Waiter } from '../src/scheduling/job-waiters.ts'
import { PushedWaits } from '../src/server/pushed-waits.ts'

test('the ended waits of a client that reads nothing take no more memory than their tickets', () =>
  run(async () => {
    const pushed: unknown[] = []
    let hasRoom = true
    let whenRoom = Promise.withResolvers<void>()
    let reads = 0
    const waits = new PushedWaits({
      push: ([, ticket]) => void pushed.push(ticket),
      hasRoom: () => hasRoom,
      room: async () => {
        await whenRoom.promise
        // The client reads one message, and then nothing more for a while.
        whenRoom = Promise.withResolvers()
      },
    })
    const ended = new Future<void>()
    for (const ticket of ['a', 'b', 'c'])
      waits.begin(ticket, async () => {
        await ended
        reads++
        return 'the job'
      })
    await sleep(1)
    hasRoom = false
    ended.setResult()
    await sleep(1)
    expect([pushed, reads]).toEqual([[], 3])
    whenRoom.resolve()
    await sleep(1)
    expect([pushed, reads]).toEqual([['a'], 4])
    waits.begin('d', async () => 'a job that is not read yet')
    expect(waits.end('b')).toBe(true)
    for (let turn = 0; turn < 2; turn++) {
      whenRoom.resolve()
      await sleep(1)
    }
    expect(pushed).toEqual(['a', 'c'])
    hasRoom = true
    whenRoom.resolve()
    await sleep(1)
    expect(pushed).toEqual(['a', 'c', 'd'])
    expect(() => waits.begin('x'.repeat(257), async () => null)).toThrow('at most 256 characters')
    waits[Symbol.dispose]()
  }))

test('thousands of waits for one job end in linear time', () => {
  const waiters = new JobWaiters()
  let looks = 0
  const answers: unknown[] = []
  const port = { resolve: (job: unknown) => answers.push(job) } as unknown as Waiter['port']
  const many = 2_000
  for (let i = 0; i < many; i++) {
    const waiter = {
      port,
      timer: null,
      cancels: false,
      get ticket() {
        looks++
        return `t${i}`
      },
    } satisfies Waiter
    waiters.add(1, waiter)
  }
  for (let i = many - 1; i >= 0; i--) waiters.removeTicket(1, `t${i}`)
  expect(waiters.size).toBe(0)
  expect(answers).toEqual(Array.from({ length: many }, () => null))
  expect(looks).toBeLessThan(10 * many)
})
