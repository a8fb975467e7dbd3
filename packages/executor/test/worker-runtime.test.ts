import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type FromWorker, isTuple, type JobsMessage } from '../src/transport/protocol.ts'
import { WorkerRuntime } from '../src/worker/runtime.ts'

function makeRuntime(unread: JobsMessage[]): { runtime: WorkerRuntime; sent: FromWorker[] } {
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
  return { runtime, sent }
}

test('a job that is cancelled before the worker reads it gets the cancel, although another job ends in between', async () => {
  const endless = { source: 'async function* () { for (;;) yield 1 }' }
  const unread: JobsMessage[] = [[1, 1, endless, false]]
  const { runtime, sent } = makeRuntime(unread)
  const ended = (): number[] => sent.flatMap((message) => (isTuple(message) ? [message[0]] : []))
  expect(runtime.look()).toBe(true)
  unread.push([2, 1, null, false])
  runtime.control({ type: 'cancel', seq: 2 })
  runtime.control({ type: 'cancel', seq: 1 })
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(ended()).toEqual([1, 2])
})

test.for(['type', 'url'])(
  'a job that gives all objects a property %s harms no later job',
  (name) => {
    const pollute = {
      source: `() => void Object.defineProperty(Object.prototype, '${name}', { value: 'odd', configurable: true })`,
    }
    const { runtime, sent } = makeRuntime([
      [1, 1, pollute, false],
      [2, 2, { source: '(n) => n' }, false, 2],
      [[3, 2, [3], null, false]],
    ])
    try {
      runtime.look()
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
    const results = sent.map((message) => (isTuple(message) ? message[3] : message))
    expect(results).toEqual([undefined, 2, 3])
  },
)
