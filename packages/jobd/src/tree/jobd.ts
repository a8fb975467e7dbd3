import { resolve } from 'node:path'
import {
  type ActorRef,
  ActorSystem,
  child,
  consoleLogger,
  type Logger,
  type ResourceRef,
  type SupervisorRef,
} from '@tasktree/actor'
import { createTask, moveOnAfter } from '@tasktree/core'
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { Access, type AccessOptions } from '../dashboard/access.ts'
import { Dashboard } from '../dashboard/dashboard.ts'
import type { LiveSources } from '../dashboard/live-view.ts'
import type { JobKind } from '../jobs/job.ts'
import type { Pools } from '../jobs/kind.ts'
import { capacities } from '../jobs/kinds.ts'
import { type ServerLog, withAudit } from '../log/server-log.ts'
import { History } from '../scheduling/history.ts'
import { Metrics } from '../scheduling/metrics.ts'
import { PrometheusMetrics } from '../scheduling/prometheus.ts'
import { Scheduler } from '../scheduling/scheduler.ts'
import { Worker, type Workshop } from '../scheduling/worker.ts'
import { type Directory, execute } from '../server/commands.ts'
import { Credentials, defaultName, type Token } from '../server/credentials.ts'
import { Listener, type ListenerOptions } from '../server/listener.ts'
import { isPassing } from '../server/passing.ts'
import { JobFeed } from '../store/job-feed.ts'
import { JobFile, type JobFileOptions } from '../store/job-file.ts'
import type { Retention } from '../store/retention.ts'
import { Store } from '../store/store.ts'
import { restarts } from './restarts.ts'

export interface JobdOptions
  extends
    Pick<JobFileOptions, 'waitLock' | 'maxDeaths' | 'vacuum'>,
    Pick<AccessOptions, 'publicUrl' | 'trustProxy'> {
  /** The jobs' file. */
  file: string
  /** An address that others can reach needs a password or tokens. */
  host: string
  /** 0: one that is free. */
  port: number
  /** The page's; 0: one that is free. @defaultValue 0 */
  http?: number
  workers: number
  /** Asked of clients and by the page; a token with the name "default". @defaultValue none */
  password?: string
  /** Secrets with the names of their owners, which the audit shows. @defaultValue none */
  tokens?: readonly Token[]
  /** How long running jobs may go on when the server is to end, in milliseconds. @defaultValue 0 */
  grace?: number
  /** At most this many jobs may be queued; further ones are refused. @defaultValue 100000 */
  maxQueued?: number
  /** How long finished jobs are kept. @defaultValue as the file says: 7 and 30 days for a new one, for ever for one of the first edition */
  retention?: Retention
  /** How many jobs of a kind may run at once. @defaultValue as many as its pool has workers; others: no limit */
  capacity?: Partial<Record<JobKind, number>>
  /** Bytes; beyond them nothing more is written to the file. @defaultValue no limit */
  maxFileSize?: number
  /** What clients may do at most. */
  clients?: Omit<ListenerOptions, 'host' | 'port'>
  logger?: Logger
}

/** A part that answers later than this, in milliseconds, does not count as ready. */
const longestReady = 2_000

/** A server that runs. Leaving its scope ends it in order: running jobs have their grace, queued jobs stay in the file. */
export interface Jobd extends AsyncDisposable {
  readonly system: ActorSystem
  readonly port: number
  readonly httpPort: number
}

/**
 * The whole server as one supervised tree. When one part is restarted, so are the parts that were started after it.
 *
 * @throws {RangeError} for an address that others can reach without a password, and for options that are wrong
 * @throws {JobFileError} for a file that cannot be used: another process has it, it is broken, or of a newer version
 * @throws the error of the part that could not start; nothing is left running then
 */
export async function startJobd(options: JobdOptions): Promise<Jobd> {
  const { host, grace = 0 } = options
  const log = withAudit(options.logger ?? consoleLogger)
  const credentials = new Credentials(tokensOf(options))
  if (credentials.isEmpty && !isLoopback(host))
    throw new RangeError(`${host} can be reached by others: that needs a password or a token`)
  const access = new Access({ ...options, hostName: host, credentials })
  // A part that cannot start must not leave those before it running.
  await using started = new AsyncDisposableStack()
  const file = started.use(
    await JobFile.take({
      ...options,
      path: options.file,
      maxSize: options.maxFileSize,
      notice: (text) => log.warn(text),
    }),
  )
  const feed = new JobFeed()
  const history = new History()
  const prometheus = new PrometheusMetrics(history)
  const system = await ActorSystem.start({
    name: 'jobd',
    strategy: 'rest-for-one',
    ...restarts,
    logger: log,
    children: [child.actor('store', Store, [file, feed, options.retention ?? {}])],
  })
  started.use(system)
  const following = createTask(() => history.follow(system))
  started.defer(() => void following.cancel())

  const directory = directoryOf(system, credentials, log, resolve(options.file))
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
  // A dynamic supervisor that is started anew begins without children: the task after it hires them again.
  const hire = async (): Promise<void> => {
    const workers = find<SupervisorRef>(system, 'workers')
    for (let i = 1; i <= options.workers; i++) await workers.startChild(`worker-${i}`)
  }
  // When they are started anew they listen where they did before.
  let [port, httpPort] = [options.port, options.http ?? 0]
  const openListener = async (): Promise<Listener> => {
    const listener = await Listener.start(directory, feed, { ...options.clients, host, port })
    port = listener.port
    // Only now, so that a job that brings the server down can be cancelled before it begins again.
    void directory.scheduler.tell.open()
    return listener
  }
  const openDashboard = async (): Promise<Dashboard> => {
    const sources = dashboardSources(directory, feed, history, prometheus)
    const dashboard = await Dashboard.start({ host, port: httpPort, access, sources, log })
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
        capacity: { ...capacities, ...options.capacity },
      },
    ]),
    child.dynamic('workers', {
      ...restarts,
      template: (name: string) => child.actor(name, Worker, [shop]),
    }),
    child.task('hiring', hire, { restart: 'transient' }),
    child.actor('metrics', Metrics, [history, prometheus, feed]),
    child.resource('listener', openListener),
    child.resource('dashboard', openDashboard),
  ])
    await system.root.startChild(part)
  started.move()

  const stop = async (): Promise<void> => {
    if (grace > 0) await drain(system, directory, grace)
    await system.stop()
    following.cancel()
    file.release()
  }
  return { system, port, httpPort, [Symbol.asyncDispose]: stop }
}

function tokensOf({ password, tokens = [] }: JobdOptions): Token[] {
  return [...tokens, ...(password === undefined ? [] : [{ name: defaultName, secret: password }])]
}

/** Accepts no more clients, begins no more jobs, and lets running ones end for `grace` milliseconds. */
async function drain(system: ActorSystem, { scheduler }: Directory, grace: number): Promise<void> {
  try {
    await system.root.stopChild('dashboard')
    // Clients that are connected stay: one that waits for a running job hears of its end.
    find<ResourceRef<Listener>>(system, 'listener').value.close()
    await moveOnAfter(grace, async () => {
      await scheduler.ask({ timeout: Infinity }).drain()
    })
  } catch (error) {
    // It has stopped already, or given up: nothing runs then.
    if (!isPassing(error)) throw error
  }
}

function find<R extends { readonly path: string }>(system: ActorSystem, path: string): R {
  return system.lookup<R>(path) as R
}

/** Looked up when they are used: the tree grows part by part. */
function directoryOf(
  system: ActorSystem,
  credentials: Credentials,
  log: ServerLog,
  file: string,
): Directory {
  return {
    system,
    credentials,
    file,
    audit: (who, action) => log.audit(who, action),
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

function dashboardSources(
  directory: Directory,
  feed: JobFeed,
  history: History,
  prometheus: PrometheusMetrics,
): LiveSources {
  return {
    system: directory.system,
    store: directory.store,
    feed,
    history,
    audit: directory.audit,
    command: async (words, sender) =>
      execute(words, directory, { version: 3, closing: false, isSubscribed: false, ...sender }),
    prometheus: async () => {
      const { store, scheduler } = directory
      const [counts, queues] = await Promise.all([store.ask.counts(), scheduler.ask.statistics()])
      return {
        type: prometheus.contentType,
        text: await prometheus.text({ counts, ...queues }),
      }
    },
    unready: () => findProblem(directory),
  }
}

/** Why the server cannot take jobs; null when it can. */
async function findProblem({ system, store, scheduler }: Directory): Promise<string | null> {
  try {
    await store.ask({ timeout: longestReady }).counts()
    await scheduler.ask({ timeout: longestReady }).statistics()
    return system.lookup('listener')?.status === 'running' ? null : 'the listener is not running'
  } catch (error) {
    if (isPassing(error)) return error.message
    throw error
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
