import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import { type RuntimeSnapshot, snapshot } from '@tasktree/core'
import { guarded } from './guarded.ts'

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>

/** A node of a tree of actors. Each actor system of `@tasktree/actor` adds its tree to the result of `snapshot()`. */
interface ActorNode {
  readonly path: string
  readonly mailbox?: { readonly size: number }
  readonly children: readonly ActorNode[]
}

/**
 * The figures for the delay of the event loop. Each entry has the name of a figure, and the function that reads the figure in
 * nanoseconds.
 */
const delays: readonly (readonly [string, (histogram: DelayHistogram) => number])[] = [
  ['min', ({ min }) => min],
  ['max', ({ max }) => max],
  ['mean', ({ mean }) => mean],
  ['stddev', ({ stddev }) => stddev],
  ['p50', (histogram) => histogram.percentile(50)],
  ['p90', (histogram) => histogram.percentile(90)],
  ['p99', (histogram) => histogram.percentile(99)],
]

/**
 * Makes the metrics of this thread. Each collection calls `snapshot()` once, which takes less than 1 millisecond for each
 * 1,000 tasks if the machine is not busy. The delay of the event loop is measured from the first collection on, so it is
 * reported from the second collection on.
 *
 * Source: for `nodejs.eventloop.delay`, the semantic conventions of OpenTelemetry for Node
 */
export function observeMetrics(meter: Meter): Disposable {
  const tasks = meter.createObservableUpDownCounter('tasktree.task.count', {
    description: 'Tasks that have not ended',
    unit: '{task}',
  })
  const queued = meter.createObservableUpDownCounter('tasktree.executor.queue.length', {
    description: 'Jobs that wait for a worker',
    unit: '{job}',
  })
  const mailboxes = meter.createObservableUpDownCounter('tasktree.actor.mailbox.length', {
    description: 'Messages that wait in the mailbox of an actor',
    unit: '{message}',
  })
  const restarts = meter.createCounter('tasktree.actor.restarts', {
    description: 'Restarts of actors and of other supervised children',
    unit: '{restart}',
  })
  const gauges = delays.map(([name, read]) => ({
    gauge: meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, {
      description: `Event loop delay: ${name}`,
      unit: 's',
    }),
    read,
  }))
  let histogram: DelayHistogram | null = null
  const observe = (result: BatchObservableResult): void => {
    const taken = snapshot()
    observeTasks(result, tasks, taken)
    observeQueues(result, queued, taken)
    observeMailboxes(result, mailboxes, taken)
    if (histogram === null) {
      histogram = monitorEventLoopDelay({ resolution: 10 })
      histogram.enable()
    } else if (histogram.count > 0) {
      for (const { gauge, read } of gauges) result.observe(gauge, read(histogram) / 1e9)
      histogram.reset()
    }
  }
  const observed: Observable[] = [tasks, queued, mailboxes, ...gauges.map(({ gauge }) => gauge)]
  meter.addBatchObservableCallback(observe, observed)
  const onRestart = guarded((event: unknown): void => {
    restarts.add(1, { 'tasktree.actor.path': (event as { path: string }).path })
  })
  subscribe('tasktree:actor:restart', onRestart)
  return {
    [Symbol.dispose]: () => {
      unsubscribe('tasktree:actor:restart', onRestart)
      histogram?.disable()
      meter.removeBatchObservableCallback(observe, observed)
    },
  }
}

function observeTasks(
  result: BatchObservableResult,
  tasks: Observable,
  { loops }: RuntimeSnapshot,
): void {
  const counts = new Map<string, number>()
  for (const loop of loops) {
    for (const { state } of loop.tasks) {
      if (state !== 'done') counts.set(state, (counts.get(state) ?? 0) + 1)
    }
  }
  for (const [state, count] of counts)
    result.observe(tasks, count, { 'tasktree.task.state': state })
}

/** Reports the queue length of each pool. For pools with the same name, reports the sum. */
function observeQueues(
  result: BatchObservableResult,
  queued: Observable,
  { pools }: RuntimeSnapshot,
): void {
  const counts = new Map<string, number>()
  for (const pool of listOf<{ name: string; queued: number }>(pools)) {
    counts.set(pool.name, (counts.get(pool.name) ?? 0) + pool.queued)
  }
  for (const [name, count] of counts) {
    result.observe(queued, count, { 'tasktree.executor.name': name })
  }
}

function observeMailboxes(
  result: BatchObservableResult,
  mailboxes: Observable,
  { actors }: RuntimeSnapshot,
): void {
  for (const { name, root } of listOf<{ name: string; root: ActorNode }>(actors)) {
    const visit = ({ path, mailbox, children }: ActorNode): void => {
      if (mailbox !== undefined) {
        const attributes = { 'tasktree.actor.system': name, 'tasktree.actor.path': path }
        result.observe(mailboxes, mailbox.size, attributes)
      }
      for (const child of children) visit(child)
    }
    visit(root)
  }
}

/**
 * Returns `part`, a property of the result of `snapshot()`. Returns an empty list if the package that adds the property is
 * not loaded, or has failed.
 */
function listOf<T>(part: unknown): readonly T[] {
  return Array.isArray(part) ? part : []
}
