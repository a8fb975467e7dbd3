import {
  type ActorRef,
  ActorSystem,
  child,
  type ChildRef,
  consoleLogger,
  type Logger,
  type ResourceRef,
  type SupervisorRef,
} from '@tasktree/actor'
import { moveOnAfter } from '@tasktree/core'
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { type Directory, execute } from '../server/commands.ts'
import { Access } from '../dashboard/access.ts'
import { Dashboard } from '../dashboard/dashboard.ts'
import type { LiveSources } from '../dashboard/live-view.ts'
import { JobFeed } from '../store/job-feed.ts'
import { JobFile } from '../store/job-file.ts'
import type { Pools } from '../jobs/perform.ts'
import type { JobKind } from '../jobs/job.ts'
import { Listener, type ListenerOptions } from '../server/listener.ts'
import { Metrics } from '../scheduling/metrics.ts'
import { isPassing } from '../server/passing.ts'
import { Password } from '../server/password.ts'
import { restarts } from './restarts.ts'
import { Scheduler } from '../scheduling/scheduler.ts'
import { Store } from '../store/store.ts'
import { Worker, type Workshop } from '../scheduling/worker.ts'

export interface JobdOptions {
  /** The jobs' file. */
  file: string
  /** One that others can reach needs a password. */
  host: string
  /** 0: one that is free. */
  port: number
  /** The page's; 0: one that is free. @defaultValue 0 */
  http?: number
  workers: number
  /** Asked of clients and by the page. @defaultValue none */
  password?: string
  /** How long running jobs may go on when it is to end, in milliseconds. @defaultValue 0 */
  grace?: number
  /** So many jobs may be queued; further ones are refused. @defaultValue 100000 */
  maxQueued?: number
  /** How many jobs of a kind may run at once. @defaultValue as many as its pool has workers; others: no limit */
  capacity?: Partial<Record<JobKind, number>>
  /** Bytes; beyond them nothing more is written to the file. @defaultValue no limit */
  maxFileSize?: number
  /** What clients may do at most. */
  clients?: Omit<ListenerOptions, 'host' | 'port'>
  logger?: Logger
}

const poolCapacity: Partial<Record<JobKind, number>> = { hash: 2, primes: 2, words: 2 }

/** A server that runs. Leaving its scope ends it in order: what runs has its grace, what is queued stays in the file. */
export interface Jobd extends AsyncDisposable {
  readonly system: ActorSystem
  readonly port: number
  readonly httpPort: number
}

/**
 * The whole server as one supervised tree. When one part is restarted, so is what was started after it.
 *
 * @throws {RangeError} for an address that others can reach without a password
 * @throws what the part has thrown that could not start; nothing is left running then
 */
export async function startJobd(options: JobdOptions): Promise<Jobd> {
  const { host, password = null, grace = 0, logger = consoleLogger } = options
  if (password === null && !isLoopback(host))
    throw new RangeError(`${host} can be reached by others: that needs a password`)
  const feed = new JobFeed()
  const file = new JobFile(options.file, options.maxFileSize)
  const system = await ActorSystem.start({
    name: 'jobd',
    strategy: 'rest-for-one',
    ...restarts,
    logger,
    children: [child.actor('store', Store, [file, feed])],
  })
  // A part that cannot start must not leave those before it running.
  await using started = new AsyncDisposableStack()
  started.use(system)

  const directory = directoryOf(system, password === null ? null : new Password(password))
  const pools: Pools = {
    get threads() {
      return find<ResourceRef<Executor>>(system, 'pools/threads').value
    },
    get processes() {
      return find<ResourceRef<Executor>>(system, 'pools/processes').value
    },
  }
  const shop: Workshop = {
    store: () => directory.store,
    scheduler: () => directory.scheduler,
    pools,
    feed,
  }
  const worker = (name: string): ActorRef<Worker> => find(system, `workers/${name}`)
  // A dynamic supervisor that is started anew begins without children: whoever comes after it hires them again.
  const hire = async (): Promise<void> => {
    const workers = find<SupervisorRef>(system, 'workers')
    for (let i = 1; i <= options.workers; i++) await workers.startChild(`worker-${i}`)
  }
  const access = new Access(host, password)
  // Those that are started anew listen where the ones before did.
  let [port, httpPort] = [options.port, options.http ?? 0]
  const openListener = async (): Promise<Listener> => {
    const listener = await Listener.start(directory, feed, { ...options.clients, host, port })
    port = listener.port
    return listener
  }
  const openDashboard = async (): Promise<Dashboard> => {
    const sources = dashboardSources(directory, feed)
    const dashboard = await Dashboard.start({ host, port: httpPort, access, sources, log: logger })
    httpPort = dashboard.port
    return dashboard
  }
  for (const part of [
    child.supervisor('pools', {
      ...restarts,
      children: [
        child.resource('threads', () => new ThreadPoolExecutor({ maxWorkers: 4 })),
        child.resource('processes', () => new ProcessPoolExecutor({ maxWorkers: 2 })),
      ],
    }),
    child.actor('scheduler', Scheduler, [
      () => directory.store,
      worker,
      feed,
      {
        maxQueued: options.maxQueued ?? 100_000,
        capacity: { ...poolCapacity, ...options.capacity },
      },
    ]),
    child.dynamic('workers', {
      ...restarts,
      template: (name: string) => child.actor(name, Worker, [shop]),
    }),
    child.task('hiring', hire, { restart: 'transient' }),
    child.actor('metrics', Metrics, [() => system, feed]),
    child.resource('listener', openListener),
    child.resource('dashboard', openDashboard),
  ])
    await system.root.startChild(part)
  started.move()

  const stop = async (): Promise<void> => {
    if (grace > 0) await drain(system, directory, grace)
    await system.stop()
    // A store that was killed has not.
    file.close()
  }
  return { system, port, httpPort, [Symbol.asyncDispose]: stop }
}

/** Accepts nobody more, begins nothing more, and lets what runs end for so long. */
async function drain(system: ActorSystem, { scheduler }: Directory, grace: number): Promise<void> {
  try {
    await system.root.stopChild('dashboard')
    // Who waits for a job that runs hears of its end.
    find<ResourceRef<Listener>>(system, 'listener').value.close()
    await moveOnAfter(grace, async () => {
      await scheduler.ask({ timeout: Infinity }).drain()
    })
  } catch (error) {
    // Stopped already, or given up: nothing runs then.
    if (!isPassing(error)) throw error
  }
}

function find<R extends ChildRef>(system: ActorSystem, path: string): R {
  return system.lookup<R>(path) as R
}

/** Looked up when they are used: the tree grows part by part. */
function directoryOf(system: ActorSystem, password: Password | null): Directory {
  return {
    system,
    password,
    get store() {
      return find<ActorRef<Store>>(system, 'store')
    },
    get scheduler() {
      return find<ActorRef<Scheduler>>(system, 'scheduler')
    },
    get metrics() {
      return find<ActorRef<Metrics>>(system, 'metrics')
    },
  }
}

function dashboardSources(directory: Directory, feed: JobFeed): LiveSources {
  return {
    system: directory.system,
    store: directory.store,
    metrics: directory.metrics,
    feed,
    command: async (words) =>
      execute(words, directory, { version: 3, closing: false, isKnown: true, isSubscribed: false }),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
