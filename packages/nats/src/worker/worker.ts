import { child, type ChildOptions, type ChildSpec } from '@tasktree/actor'
import { cancelTasks, createTask, gather, type Task } from '@tasktree/core'
import {
  createServiceTask,
  checkCount,
  checkDuration,
  checkOptions,
  describe,
} from '@tasktree/core/lowlevel'
import type { Executor } from '@tasktree/executor'
import type { Link } from '../link/link.ts'
import { openQueue } from '../link/open-queue.ts'
import { checkName, countable, token } from '../wire/names.ts'
import { DelayWheel } from './delay-wheel.ts'
import { keepJobsAlive } from './keep-alive.ts'
import { OverlookedJobs } from './overlooked-jobs.ts'
import { Modules, type WorkerModules } from './modules.ts'
import { defaultBackoff } from './retries.ts'
import { type WorkerSettings, WorkerState } from './worker-state.ts'

export interface WorkerOptions extends ChildOptions {
  /** How many jobs run at the same time. @defaultValue 1 */
  concurrency?: number
  /** The pool of threads or processes that runs the functions. @defaultValue none: they run in this process */
  executor?: Executor
  /**
   * If the server hears nothing from the worker for this many milliseconds, it gives the worker's jobs to other workers.
   * The worker reports three times in this time, from its main thread. All workers of a queue must give the same.
   * @defaultValue 30000
   */
  ackWait?: number
  /** How many times a job is delivered before it is put aside, if workers die with it or it is tried again. @defaultValue 5 */
  maxDeliver?: number
  /**
   * Returns the milliseconds between failed attempt number `attempt` and the next one, for a job that is tried again. If the
   * function throws, or returns anything but a number from 0, the loop's exception handler is told, and the default is used.
   * @defaultValue 1000 for the first attempt, doubled for each further one, at most 30000
   */
  backoff?: (attempt: number) => number
  /**
   * Returns whether a job that has failed with this error is tried again. A job whose worker in a pool has crashed always
   * is. If the function throws, or returns a promise, the loop's exception handler is told, and the job fails.
   * @defaultValue a function that returns false
   */
  retryIf?: (error: unknown) => boolean
  /** Milliseconds after which a job fails if no worker has its function. @defaultValue 60000 */
  unknownAfter?: number
}

const own: ReadonlySet<string> = new Set([
  'concurrency',
  'executor',
  'ackWait',
  'maxDeliver',
  'backoff',
  'retryIf',
  'unknownAfter',
])

/** The share of the option `shutdown` that running jobs get to end by themselves. */
const graceShare = 0.8

/** @internal makes the child spec that `cluster.worker` returns */
export function workerSpec(
  link: Link,
  queue: string,
  modules: WorkerModules,
  options: WorkerOptions = {},
): { spec: ChildSpec; running: () => number } {
  checkName('the queue', queue)
  checkOptions(options)
  const settings = checkSettings(options)
  const { executor } = options
  const functions = new Modules(modules, executor ?? null, link.codec)
  let state: WorkerState | null = null
  const supervision = Object.fromEntries(Object.entries(options).filter(([name]) => !own.has(name)))
  const { shutdown = defaultShutdown } = options
  const spec = child.supervisor(
    `worker-${token(queue)}`,
    {
      // The children handle lost connections themselves, so a child that fails has met another kind of problem.
      maxRestarts: 10,
      within: 60_000,
      backoff: { min: 50, max: 2_000 },
      children: () => {
        const worker = new WorkerState(link, queue, functions, settings)
        const wheel = new DelayWheel(link, queue)
        state = worker
        return [
          child.resource('jobs', () => new RunningJobs(worker), { shutdown }),
          child.task('dead-letters', () => worker.moveDeadLetters()),
          child.task('delays', async () => {
            await openQueue(link, queue)
            await wheel.run()
          }),
          child.task('overlooked', async () => {
            await openQueue(link, queue)
            const searches = [worker, wheel].map(
              ({ consumer }) => new OverlookedJobs(link, consumer),
            )
            await gather(searches.map((each) => createTask(() => each.run())))
          }),
          child.task('consumer', async () => {
            await openQueue(link, queue)
            await worker.consume()
          }),
        ]
      },
    },
    supervision,
  )
  return { spec, running: () => state?.running ?? 0 }
}

const defaultShutdown = 5_000

/** The running jobs, as a child. It starts before the consumer, which brings jobs, and stops after it. */
class RunningJobs implements AsyncDisposable {
  readonly #worker: WorkerState
  #keepAlive: Task<void> | null = null

  constructor(worker: WorkerState) {
    this.#worker = worker
  }

  start(): void {
    this.#keepAlive = createServiceTask(() => keepJobsAlive(this.#worker), {
      name: 'keep jobs alive',
    })
  }

  /** Fails when the jobs cannot be kept alive, for example because the cluster has ended. */
  async wait(): Promise<void> {
    await this.#keepAlive
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.stop()
    if (this.#keepAlive !== null) await cancelTasks([this.#keepAlive])
  }
}

/**
 * Checks the options.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 */
function checkSettings(options: WorkerOptions): WorkerSettings {
  const {
    concurrency = 1,
    executor,
    ackWait = 30_000,
    maxDeliver = 5,
    backoff = defaultBackoff,
    retryIf = () => false,
    unknownAfter = 60_000,
    shutdown = defaultShutdown,
  } = options
  checkCount('concurrency', concurrency, 1)
  checkDuration('ackWait', ackWait)
  if (ackWait < 100 || ackWait === Infinity) {
    throw new RangeError(`ackWait must be a number of at least 100 ms, got ${describe(ackWait)}`)
  }
  checkCount('maxDeliver', maxDeliver, 1)
  checkDuration('unknownAfter', unknownAfter)
  for (const [name, fn] of Object.entries({ backoff, retryIf })) {
    if (typeof fn !== 'function') {
      throw new TypeError(`the option ${name} must be a function, got ${describe(fn)}`)
    }
  }
  if (executor !== undefined && typeof executor?.submit !== 'function') {
    throw new TypeError(`the option executor must be an executor, got ${describe(executor)}`)
  }
  const grace = shutdown === 'kill' ? 0 : graceShare * shutdown
  return {
    concurrency,
    ackWait: countable(ackWait),
    maxDeliver,
    backoff,
    retryIf,
    unknownAfter,
    grace,
  }
}
