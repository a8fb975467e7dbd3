import { ActorSystem, child, silentLogger, type ActorRef } from '@tasktree/actor'
import type { JobRequest } from '../../src/jobs/job.ts'
import { KindTable } from '../../src/jobs/kind-table.ts'
import type { Kinds, Pools } from '../../src/jobs/kind.ts'
import type { LimitChange } from '../../src/jobs/kind-limits.ts'
import { Scheduler } from '../../src/scheduling/scheduler.ts'
import { Schedules } from '../../src/scheduling/schedules.ts'
import { AttemptCodes } from '../../src/scheduling/attempt.ts'
import { Worker, type Workshop } from '../../src/scheduling/worker.ts'
import { JobFeed } from '../../src/store/job-feed.ts'
import { JobFile } from '../../src/store/job-file.ts'
import { Store } from '../../src/store/store.ts'

/** The parts of a server that need no socket. So they can run under virtual time. */
export interface Scheduling {
  store: ActorRef<Store>
  scheduler: ActorRef<Scheduler>
  schedules: ActorRef<Schedules>
}

/** Starts the store, the scheduler, the workers and the schedules on a file, runs `body`, and ends them. */
export async function inScheduling(
  options: {
    file: string
    kinds: Kinds
    workers?: number
    limits?: Readonly<Record<string, LimitChange>>
  },
  body: (parts: Scheduling) => Promise<void>,
): Promise<void> {
  const table = await KindTable.load(options.kinds, false)
  const file = await JobFile.take({ path: options.file })
  const feed = new JobFeed()
  const system = await ActorSystem.start({
    name: 'jobd',
    logger: silentLogger,
    children: [child.actor('store', Store, [file, feed])],
  })
  try {
    const ref = <R>(path: string): R => system.lookup(path) as R
    const store = (): ActorRef<Store> => ref('store')
    const scheduler = (): ActorRef<Scheduler> => ref('scheduler')
    const shop: Workshop = {
      store,
      scheduler,
      kinds: table,
      feed,
      codes: new AttemptCodes(),
      // No job of these tests needs a pool.
      pools: {} as Pools,
    }
    const limits = options.limits ?? {}
    const worker = (name: string): ActorRef<Worker> => ref(name)
    await system.root.startChild(
      child.actor('scheduler', Scheduler, [
        store,
        worker,
        feed,
        { maxQueued: 100_000, kinds: table, limits },
      ]),
    )
    for (let i = 0; i < (options.workers ?? 8); i++)
      await system.root.startChild(child.actor(`worker-${i}`, Worker, [shop]))
    await system.root.startChild(child.actor('schedules', Schedules, [store, scheduler]))
    await scheduler().ask.open()
    await body({ store: store(), scheduler: scheduler(), schedules: ref('schedules') })
  } finally {
    await system.stop()
    file.release()
  }
}

/** Makes the request of a client to add a job. `change` replaces some of its fields. */
export function request(kind: string, change: Partial<JobRequest> = {}): JobRequest {
  return {
    kind,
    payload: '',
    priority: 0,
    delay: 0,
    timeout: 0,
    retries: 0,
    key: null,
    keep: null,
    group: null,
    ...change,
  }
}
