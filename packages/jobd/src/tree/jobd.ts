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
import { createTask, moveOnAfter, shielded } from '@tasktree/core'
import { ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { Access, type AccessOptions } from '../dashboard/access.ts'
import { Dashboard } from '../dashboard/dashboard.ts'
import type { Pools } from '../jobs/kind.ts'
import { KindTable, type KindSource, type Reloaded } from '../jobs/kind-table.ts'
import { watchLeftBehind } from '../jobs/uncaught-errors.ts'
import { RenewablePool } from '../jobs/renewable-pool.ts'
import { type ServerLog, withAudit } from '../log/server-log.ts'
import { History } from '../scheduling/history.ts'
import type { LimitChange } from '../jobs/kind-limits.ts'
import { Metrics } from '../scheduling/metrics.ts'
import { PrometheusMetrics } from '../scheduling/prometheus.ts'
import { Scheduler } from '../scheduling/scheduler.ts'
import { Schedules } from '../scheduling/schedules.ts'
import { AttemptCodes } from '../scheduling/attempt.ts'
import { Worker, type Workshop } from '../scheduling/worker.ts'
import type { Directory } from '../server/commands.ts'
import { Credentials, defaultName, type Token } from '../server/credentials.ts'
import { Listener, type ListenerOptions } from '../server/listener.ts'
import { isPassing } from '../server/passing-errors.ts'
import { JobFeed } from '../store/job-feed.ts'
import { JobFile, type JobFileOptions } from '../store/job-file.ts'
import type { Retention } from '../store/retention.ts'
import { Store } from '../store/store.ts'
import { checkJobdOptions } from './check-options.ts'
import { dashboardSources } from './dashboard-sources.ts'
import { restarts } from './restarts.ts'
import { ServerEnd } from './server-end.ts'

export interface JobdOptions
  extends
    Pick<JobFileOptions, 'waitLock' | 'maxDeaths' | 'vacuum'>,
    Pick<AccessOptions, 'publicUrl' | 'trustProxy'> {
  /** The jobs' file. */
  file: string
  /**
   * The address at which the server listens. If other machines can reach it, a password or tokens are needed.
   * @defaultValue 127.0.0.1
   */
  host?: string
  /** The port for Redis clients; 0 chooses a free port. @defaultValue 7379 */
  port?: number
  /** The port of the dashboard; 0 chooses a free port. @defaultValue 0 */
  http?: number
  /** How many jobs run at the same time. @defaultValue 4 */
  workers?: number
  /**
   * The secret that clients and users of the dashboard must give. It is the same as a token with the name "default".
   * @defaultValue none
   */
  password?: string
  /** Secrets, and the names of their owners, which the log shows for actions of clients. @defaultValue none */
  tokens?: readonly Token[]
  /** How many milliseconds running jobs get to end when the server ends. @defaultValue 0 */
  grace?: number
  /** At most this many jobs may be queued. Further jobs are refused. @defaultValue 100000 */
  maxQueued?: number
  /**
   * How long finished jobs are kept. @defaultValue the retention in the jobs' file: 7 and 30 days in a new file, no
   * limit in a file of the first edition
   */
  retention?: Retention
  /**
   * Kinds of jobs besides the built-in ones, or the URL of a module that has such kinds as its default export.
   * @defaultValue none
   */
  kinds?: KindSource
  /** Whether there are the built-in kinds: shell, hash, words, primes, fetch, python, sleep. @defaultValue true */
  builtInKinds?: boolean
  /**
   * Limits by kind, which replace the limits in the definition of the kind. JOB.LIMIT changes them while the server
   * runs. @defaultValue none
   */
  limits?: Readonly<Record<string, LimitChange>>
  /** The largest size of the jobs' file in bytes. When the file has this size, writes fail. @defaultValue no limit */
  maxFileSize?: number
  /** The limits for clients. */
  clients?: Omit<ListenerOptions, 'host' | 'port'>
  logger?: Logger
}

/**
 * A running server. Leaving its scope ends it in an orderly way: running jobs get the time `grace` to end, and queued
 * jobs stay in the jobs' file. A cancel of the code that ends the server ends the time `grace`, and the end is
 * completed nevertheless.
 */
export interface Jobd extends AsyncDisposable {
  /**
   * Reads the module of the kinds again. Kinds that run in a pool are replaced. Their running jobs go on with the old
   * code.
   *
   * @throws {KindError} when the module cannot be loaded, or the kinds are not from a module
   */
  reload(): Promise<Reloaded>
  readonly system: ActorSystem
  readonly port: number
  readonly httpPort: number
}

/**
 * Starts the whole server as one supervised tree. When one part is restarted, the parts that were started after it are
 * restarted too.
 *
 * @throws {TypeError} for an option of a wrong type
 * @throws {RangeError} for an address that other machines can reach without a password, and for wrong options
 * @throws {JobFileError} for a file that cannot be used: another process uses it, it is damaged, or a newer version
 * wrote it
 * @throws the error of a part that could not start; in that case all started parts are stopped
 *
 * @example
 *     import { mkdtempDisposable } from 'node:fs/promises'
 *
 *     await using folder = await mkdtempDisposable('/tmp/jobs-')
 *     const kinds = defineKinds({ double: { run: async (text: string) => Number(text) * 2 } })
 *     await using server = await startJobd({ file: `${folder.path}/jobs.sqlite`, port: 0, kinds })
 *     await using client = await JobClient.connect<typeof kinds>('127.0.0.1', server.port)
 *     console.log(await client.run('double', '21')) // 42
 */
export async function startJobd(options: JobdOptions): Promise<Jobd> {
  checkJobdOptions(options)
  const { host = '127.0.0.1', workers = 4, grace = 0 } = options
  const log = withAudit(options.logger ?? consoleLogger)
  const credentials = new Credentials(tokensOf(options))
  if (credentials.isEmpty && !isLoopback(host))
    throw new RangeError(`${host} can be reached by others: that needs a password or a token`)
  const kinds = await KindTable.load(options.kinds, options.builtInKinds ?? true)
  for (const kind of Object.keys(options.limits ?? {})) kinds.check(kind)
  const access = new Access({ ...options, hostName: host, credentials })
  // This stack ends the server. If a part cannot start, the stack stops the parts that were started before, which may
  // already run jobs.
  await using started = new AsyncDisposableStack()
  const file = await JobFile.take({
    ...options,
    path: options.file,
    maxSize: options.maxFileSize,
    notice: (text) => log.warn(text),
  })
  started.defer(() => file.release())
  started.use(watchLeftBehind((text) => log.error(text)))
  const feed = new JobFeed()
  const history = new History()
  const prometheus = new PrometheusMetrics(history)
  const codes = new AttemptCodes()
  started.defer(() => shielded(() => codes.ended()))
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

  const poolNamed = (name: keyof Pools): RenewablePool =>
    find<ResourceRef<RenewablePool>>(system, `pools/${name}`).value
  const pools: Pools = {
    get threads() {
      return poolNamed('threads').current
    },
    get processes() {
      return poolNamed('processes').current
    },
  }
  const reload = async (): Promise<Reloaded> => {
    const done = await kinds.reload()
    // The workers are replaced, so that the new ones load the module of job kinds, and all that it imports, again.
    for (const name of ['threads', 'processes'] as const) poolNamed(name).renew()
    void directory.scheduler.tell.kindsChanged()
    return done
  }
  const directory = directoryOf(system, credentials, log, resolve(options.file), kinds, reload)
  const shop: Workshop = {
    store: () => directory.store,
    scheduler: () => directory.scheduler,
    kinds,
    pools,
    feed,
    codes,
  }
  const worker = (name: string): ActorRef<Worker> => find(system, `workers/${name}`)
  const startWorkers = async (): Promise<void> => {
    const supervisor = find<SupervisorRef>(system, 'workers')
    for (let i = 1; i <= workers; i++) {
      const name = `worker-${i}`
      if (system.lookup(`workers/${name}`) === null) await supervisor.startChild(name)
    }
  }
  // A restarted listener or dashboard listens at the same port as before.
  let [port, httpPort] = [options.port ?? 7_379, options.http ?? 0]
  const openListener = async (): Promise<Listener> => {
    // A dynamic supervisor that is restarted has no children. The listener is restarted after it, and starts the workers
    // again. If only the listener is restarted, the workers are there.
    await startWorkers()
    const listener = await Listener.start(directory, feed, { ...options.clients, host, port })
    port = listener.port
    // Jobs may begin only when clients can connect, so that a client can cancel a job that brings the server down.
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
        child.resource(
          'threads',
          () => new RenewablePool(() => new ThreadPoolExecutor({ maxWorkers: 4 })),
        ),
        child.resource(
          'processes',
          () => new RenewablePool(() => new ProcessPoolExecutor({ maxWorkers: 2 })),
        ),
      ],
    }),
    child.actor('scheduler', Scheduler, [
      () => directory.store,
      worker,
      feed,
      {
        maxQueued: options.maxQueued ?? 100_000,
        kinds,
        limits: options.limits ?? {},
      },
    ]),
    child.dynamic('workers', {
      ...restarts,
      template: (name: string) => child.actor(name, Worker, [shop]),
    }),
    child.actor('schedules', Schedules, [() => directory.store, () => directory.scheduler]),
    child.actor('metrics', Metrics, [history, prometheus, feed]),
    child.resource('listener', openListener),
    child.resource('dashboard', openDashboard),
  ])
    await system.root.startChild(part)
  const parts = started.move()

  const ending = new ServerEnd(
    () => (grace > 0 ? drain(system, directory, grace) : Promise.resolve()),
    () => parts.disposeAsync(),
  )
  return { system, port, httpPort, reload, [Symbol.asyncDispose]: () => ending.complete() }
}

function tokensOf({ password, tokens = [] }: JobdOptions): Token[] {
  return [...tokens, ...(password === undefined ? [] : [{ name: defaultName, secret: password }])]
}

/** Stops accepting clients and beginning jobs, and gives running jobs `grace` milliseconds to end. */
async function drain(system: ActorSystem, { scheduler }: Directory, grace: number): Promise<void> {
  try {
    await system.root.stopChild('dashboard')
    // Connected clients stay connected, so that a client that waits for a running job gets its answer.
    find<ResourceRef<Listener>>(system, 'listener').value.close()
    await moveOnAfter(grace, async () => {
      await scheduler.ask({ timeout: Infinity }).drain()
    })
  } catch (error) {
    // The tree has stopped or has given up, so no job runs.
    if (!isPassing(error)) throw error
  }
}

function find<R extends { readonly path: string }>(system: ActorSystem, path: string): R {
  return system.lookup<R>(path) as R
}

/**
 * Returns the parts of the tree. Each part is looked up when it is used, because parts are started later and may be
 * restarted.
 */
function directoryOf(
  system: ActorSystem,
  credentials: Credentials,
  log: ServerLog,
  file: string,
  kinds: KindTable,
  reload: () => Promise<Reloaded>,
): Directory {
  return {
    kinds,
    reload,
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
    get schedules() {
      return find<ActorRef<Schedules>>(system, 'schedules')
    },
    get metrics() {
      return find<ActorRef<Metrics>>(system, 'metrics')
    },
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
