import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { FromWorker, JobsMessage } from '../src/transport/protocol.ts'
import { WorkerRuntime } from '../src/worker/runtime.ts'

test('a job that is cancelled before the worker reads it gets the cancel, although another job ends in between', async () => {
  const endless = { source: 'async function* () { for (;;) yield 1 }' }
  const unread: JobsMessage[] = [[1, 1, endless, false]]
  const sent: FromWorker[] = []
  const runtime: WorkerRuntime = new WorkerRuntime({
    announces: false,
    post: (message) => void sent.push(message),
    receive: () => unread.shift(),
    claim: () => true,
    noteEnded: () => {},
    isCancelled: () => false,
    exit: () => {},
    tryClone: () => {},
    rest: () => void runtime.look(),
  })
  const ended = (): number[] => sent.flatMap((message) => ('type' in message ? [] : [message[0]]))
  expect(runtime.look()).toBe(true)
  unread.push([2, 1, null, false])
  runtime.control({ type: 'cancel', seq: 2 })
  runtime.control({ type: 'cancel', seq: 1 })
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(ended()).toEqual([1, 2])
})
