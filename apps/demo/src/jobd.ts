import {
  type ActorRef,
  ActorSystem,
  child,
  type ChildRef,
  type ChildSpec,
  type Logger,
  type ResourceRef,
} from '@tasktree/actor'
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import type { Server } from '@tasktree/net'
import type { Directory } from './commands.ts'
import type { Pools } from './job-kinds/perform.ts'
import { listen } from './listener.ts'
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
  logger?: Logger
}

/** The whole server as one supervised tree. When one part is restarted, so is what was started after it. */
export async function startJobd(
  options: JobdOptions,
): Promise<{ system: ActorSystem; port: number }> {
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
  const { root } = system
  await root.startChild(
    child.supervisor('pools', {
      children: [
        child.resource('threads', () => new ThreadPoolExecutor({ maxWorkers: 2 })),
        child.resource('processes', () => new ProcessPoolExecutor({ maxWorkers: 2 })),
      ],
    }),
  )
  await root.startChild(child.actor('scheduler', Scheduler, [store]))
  await root.startChild(child.supervisor('workers', { maxRestarts: 10, children: workers }))
  await root.startChild(
    child.resource('listener', () => listen(directory, options.host, options.port)),
  )
  const server = find<ResourceRef<Server>>('listener').value
  return { system, port: server.sockets[0]?.port ?? 0 }
}
