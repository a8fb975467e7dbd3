import {
  type ActorRef,
  ActorSystem,
  child,
  type ChildRef,
  type ChildSpec,
  consoleLogger,
  type Logger,
  type ResourceRef,
} from '@tasktree/actor'
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import type { Server } from '@tasktree/net'
import { type Directory, execute } from './commands.ts'
import { Access } from './dashboard/access.ts'
import { Dashboard } from './dashboard/dashboard.ts'
import type { LiveSources } from './dashboard/live-view.ts'
import { JobFeed } from './job-feed.ts'
import type { Pools } from './job-kinds/perform.ts'
import { listen } from './listener.ts'
import { Metrics } from './metrics.ts'
import { Scheduler } from './scheduler.ts'
import { Store } from './store.ts'
import { Worker } from './worker.ts'

export interface JobdOptions {
  /** The jobs' file. */
  file: string
  host: string
  /** 0: one that is free. */
  port: number
  workers: number
  /** The page's port; 0: one that is free. @defaultValue 0 */
  http?: number
  /** Asked of clients and by the page. @defaultValue none */
  password?: string
  logger?: Logger
}

/** The whole server as one supervised tree. When one part is restarted, so is what was started after it. */
export async function startJobd(
  options: JobdOptions,
): Promise<{ system: ActorSystem; port: number; httpPort: number }> {
  // Refs are looked up when they are used: the tree exists only once it has started.
  const tree: { system: ActorSystem | null } = { system: null }
  const find = <R extends ChildRef>(path: string): R => tree.system?.lookup<R>(path) as R
  const store = (): ActorRef<Store> => find('store')
  const scheduler = (): ActorRef<Scheduler> => find('scheduler')
  const pools: Pools = {
    get threads() {
      return find<ResourceRef<Executor>>('pools/threads').value
    },
    get processes() {
      return find<ResourceRef<Executor>>('pools/processes').value
    },
  }
  const directory: Directory = {
    get system() {
      return tree.system as ActorSystem
    },
    get store() {
      return store()
    },
    get scheduler() {
      return scheduler()
    },
  }
  const feed = new JobFeed()
  const workers: ChildSpec[] = Array.from({ length: options.workers }, (_, i) =>
    child.actor(`worker-${i + 1}`, Worker, [scheduler, pools]),
  )
  const system = await ActorSystem.start({
    name: 'jobd',
    strategy: 'rest-for-one',
    maxRestarts: 10,
    ...(options.logger === undefined ? {} : { logger: options.logger }),
    children: [child.actor('store', Store, [options.file])],
  })
  tree.system = system
  // A part that cannot start must not leave those before it running.
  await using started = new AsyncDisposableStack()
  started.use(system)
  const { root } = system
  await root.startChild(
    child.supervisor('pools', {
      children: [
        child.resource('threads', () => new ThreadPoolExecutor({ maxWorkers: 2 })),
        child.resource('processes', () => new ProcessPoolExecutor({ maxWorkers: 2 })),
      ],
    }),
  )
  await root.startChild(child.actor('scheduler', Scheduler, [store, feed]))
  await root.startChild(child.supervisor('workers', { maxRestarts: 10, children: workers }))
  await root.startChild(child.actor('metrics', Metrics, [() => system, feed]))
  await root.startChild(
    child.resource('listener', () => listen(directory, options.host, options.port)),
  )
  const access = new Access(options.host, options.password ?? null)
  const sources: LiveSources = {
    system,
    feed,
    command: (words) => execute(words, directory, { version: 3, closing: false }),
    get store() {
      return store()
    },
    get metrics() {
      return find<ActorRef<Metrics>>('metrics')
    },
  }
  // One that is started anew listens where the one before did.
  let httpPort = options.http ?? 0
  const openDashboard = async (): Promise<Dashboard> => {
    const dashboard = await Dashboard.start({
      host: options.host,
      port: httpPort,
      access,
      sources,
      log: options.logger ?? consoleLogger,
    })
    httpPort = dashboard.port
    return dashboard
  }
  await root.startChild(child.resource('dashboard', openDashboard))
  started.move()
  const server = find<ResourceRef<Server>>('listener').value
  return { system, port: server.sockets[0]?.port ?? 0, httpPort }
}
