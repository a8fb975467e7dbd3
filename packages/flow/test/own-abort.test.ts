import { setTimeout as nodeSleep } from 'node:timers/promises'
import {
  createTask,
  getRunningLoop,
  moveOnAfter,
  sleep,
  taskGroup,
  taskSignal,
  timeout,
  wait,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  CircuitBreaker,
  exhaust,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  poll,
  queued,
  retry,
  singleFlight,
} from '@tasktree/flow'
import { describe, expect, test } from 'vitest'

// A library that was given `taskSignal()` throws an AbortError when the task is cancelled. Each function of this package must treat
// this error like the CancelledError that a wait of Tasktree throws.

type Work = () => Promise<undefined>

const minute = 60_000
const ownWait: Work = async () => sleep(minute, undefined)
const nodeWait: Work = () => nodeSleep(minute, undefined, { signal: taskSignal() })
/** Rejects with an AbortError that does not name its cause, as some libraries do. */
const bareAbort: Work = () => {
  const signal = taskSignal()
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new DOMException('aborted', 'AbortError'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
}

const calls: Record<string, (work: Work) => PromiseLike<unknown>> = {
  map: (work) => map([1, 2, 3], work, { concurrency: 2 }),
  'map with stopOnError: false': (work) => map([1, 2, 3], work, { stopOnError: false }),
  forEach: (work) => forEach([1, 2], work),
  mapStream: async (work) => {
    for await (const _ of mapStream([1, 2], work, { concurrency: 2 }));
  },
  retry: (work) => retry(work),
  'retry with a timeout': (work) => retry(work, { timeout: minute / 2 }),
  hedge: (work) => hedge(work, { delay: 5 }),
  CircuitBreaker: async (work) => {
    const breaker = new CircuitBreaker({ failures: 1, within: minute, resetAfter: minute })
    try {
      await breaker.run(work)
    } finally {
      expect(breaker.state).toBe('closed')
    }
  },
  singleFlight: (work) => singleFlight(work)(),
  latest: (work) => latest(work)(),
  exhaust: (work) => exhaust(work)(),
  queued: (work) => queued(work)(),
  poll: (work) => poll(work, { interval: 5 }),
  'map in a task of a group': (work) =>
    taskGroup(async (group) => void group.createTask(() => map([1, 2], work))),
  'a group in map': (work) =>
    map([1, 2], () => taskGroup(async (group) => void group.createTask(work))),
}

const cancels: Record<string, (call: () => PromiseLike<unknown>) => PromiseLike<unknown>> = {
  moveOnAfter: (call) => moveOnAfter(20, call),
  timeout: (call) => timeout(20, call),
  'task.cancel': async (call) => {
    const task = createTask(async () => call())
    await sleep(20)
    task.cancel('enough')
    await wait([task])
    return task.cancelled() ? 'cancelled' : task.result()
  },
}

/** Cancels the call, and returns its outcome and the reports of the loop. */
function outcome(cancel: string, call: string, work: Work): Promise<unknown> {
  return runVirtual(async () => {
    const loop = getRunningLoop()
    const reports: unknown[] = []
    loop.setExceptionHandler((_loop, context) => reports.push(context))
    const ended = await Promise.resolve(cancels[cancel]?.(() => calls[call]!(work))).then(
      (value) => JSON.stringify(value),
      (error: Error) => error.name,
    )
    return { ended, reports, time: loop.time() }
  })
}

for (const cancel of Object.keys(cancels)) {
  describe(`an AbortError that ${cancel} has caused has the same outcome as a CancelledError`, () => {
    for (const call of Object.keys(calls)) {
      test(`in ${call}`, async () => {
        const control = await outcome(cancel, call, ownWait)
        expect(await outcome(cancel, call, nodeWait)).toEqual(control)
        expect(await outcome(cancel, call, bareAbort)).toEqual(control)
      })
    }
  })
}
