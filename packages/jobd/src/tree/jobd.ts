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
import { ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { Access, type AccessOptions } from '../dashboard/access.ts'
import { Dashboard } from '../dashboard/dashboard.ts'
import type { PageControls } from '../dashboard/page-events.ts'
import type { LiveSources } from '../dashboard/live-view.ts'
import { checkRate, type Pools } from '../jobs/kind.ts'
import { KindTable, type KindSource, type Reloaded } from '../jobs/kind-table.ts'
import { RenewablePool } from '../jobs/renewable-pool.ts'
import { type ServerLog, withAudit } from '../log/server-log.ts'
import { History } from '../scheduling/history.ts'
import type { KindLimits, LimitChange } from '../jobs/kind-limits.ts'
import { Metrics } from '../scheduling/metrics.ts'
import { PrometheusMetrics } from '../scheduling/prometheus.ts'
import { everyKind } from '../scheduling/pauses.ts'
import { Scheduler } from '../scheduling/scheduler.ts'
import { Schedules } from '../scheduling/schedules.ts'
import { Worker, type Workshop } from '../scheduling/worker.ts'
import { type Directory, execute } from '../server/commands.ts'
import { Credentials, defaultName, type Token } from '../server/credentials.ts'
import { Listener, type ListenerOptions } from '../server/listener.ts'
import { isPassing } from '../server/passing-errors.ts'
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
  /** An address that others can reach needs a password or tokens. @defaultValue 127.0.0.1 */
  host?: string
  /** 0: one that is free. @defaultValue 7379 */
  port?: number
  /** The page's; 0: one that is free. @defaultValue 0 */
  http?: number
  /** How many jobs run at once. @defaultValue 4 */
  workers?: number
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
  /** Kinds of jobs beside the built-in ones, or the URL of a module that has them as its default export. @defaultValue none */
  kinds?: KindSource
  /** Whether there are the built-in kinds: shell, hash, words, primes, fetch, python, sleep. @defaultValue true */
  builtInKinds?: boolean
  /** Limits by kind, in place of the limits in its definition; JOB.LIMIT changes them while the server runs. @defaultValue none */
  limits?: Readonly<Record<string, LimitChange>>
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
  /**
   * Reads the module of the kinds again. Kinds that run in a pool are replaced; jobs of them that run now go on as they
   * were. @throws {KindError} when the module cannot be loaded, or the kinds are not from a module
   */
  reload(): Promise<Reloaded>
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
  const { host = '127.0.0.1', workers = 4, grace = 0 } = options
  const log = withAudit(options.logger ?? consoleLogger)
  const credentials = new Credentials(tokensOf(options))
  if (credentials.isEmpty && !isLoopback(host))
    throw new RangeError(`${host} can be reached by others: that needs a password or a token`)
  const kinds = await KindTable.load(options.kinds, options.builtInKinds ?? true)
  for (const [kind, limits] of Object.entries(options.limits ?? {}))
    checkLimits(kinds, kind, limits)
  const access = new Access({ ...options, hostName: host, credentials })
  // A part that cannot start must not leave the parts before it running.
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
  }
  const worker = (name: string): ActorRef<Worker> => find(system, `workers/${name}`)
  // A dynamic supervisor that is started anew begins without children: the task after it hires them again.
  const hire = async (): Promise<void> => {
    const crew = find<SupervisorRef>(system, 'workers')
    for (let i = 1; i <= workers; i++) await crew.startChild(`worker-${i}`)
  }
  // When they are started anew they listen where they did before.
  let [port, httpPort] = [options.port ?? 7_379, options.http ?? 0]
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
    child.task('hiring', hire, { restart: 'transient' }),
    child.actor('schedules', Schedules, [() => directory.store, () => directory.scheduler]),
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
  return { system, port, httpPort, reload, [Symbol.asyncDispose]: stop }
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

function dashboardSources(
  directory: Directory,
  feed: JobFeed,
  history: History,
  prometheus: PrometheusMetrics,
): LiveSources {
  return {
    system: directory.system,
    store: directory.store,
    kinds: directory.kinds,
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
    controls: () => readControls(directory),
    unready: () => findProblem(directory),
  }
}

async function readControls({ scheduler, schedules, kinds }: Directory): Promise<PageControls> {
  const [{ paused }, list, limits] = await Promise.all([
    scheduler.ask.statistics(),
    schedules.ask.list(),
    Promise.all(kinds.names.map((name) => scheduler.ask.limitsOf(name))),
  ])
  const isAllPaused = paused.includes(everyKind)
  return {
    isAllPaused,
    kinds: kinds.names.map((name, i) => ({
      name,
      pool: kinds.get(name)?.pool ?? null,
      isPaused: isAllPaused || paused.includes(name),
      limits: limits[i] as KindLimits,
    })),
    schedules: list.map(({ name, spec, zone, request, nextAt, lastAt, lastJob }) => ({
      name,
      spec,
      zone,
      kind: request.kind,
      payload: request.payload.slice(0, 240),
      nextAt,
      lastAt,
      lastJob,
    })),
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

/** @throws {KindError} for a kind that is not there @throws {TypeError} @throws {RangeError} for a wrong limit */
function checkLimits(kinds: KindTable, kind: string, limits: LimitChange): void {
  kinds.check(kind)
  for (const name of ['concurrency', 'groupConcurrency'] as const) {
    const n = limits[name]
    if (n !== undefined && n !== null && !(Number.isInteger(n) && n >= 1))
      throw new RangeError(`limits.${kind}.${name} must be a whole number of at least 1, got ${n}`)
  }
  for (const name of ['rate', 'groupRate'] as const) {
    const rate = limits[name]
    if (rate !== undefined && rate !== null) checkRate(`limits.${kind}.${name}`, rate)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
