import type { Actor, ActorRef } from '@tasktree/actor'
import type { Executor } from '@tasktree/executor'
import { type Cluster, type RemoteJob, remoteJobs } from '@tasktree/nats'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<_T extends true>(): void {}

interface Images {
  resize: (name: string, width: number) => Promise<string>
}
interface Counter extends Actor {
  add(n: number): number
}

export function types(cluster: Cluster): void {
  const executor = cluster.executor('q')
  const any: Executor = executor
  void any
  const { resize } = remoteJobs<Images>('images')
  const job = executor.submit(resize, 'a', 1)
  is<Equal<typeof job, RemoteJob<string>>>()
  // @ts-expect-error -- a width is a number
  executor.submit(resize, 'a', 'b')
  const counter = cluster.lookup<Counter>('counter')
  is<Equal<typeof counter, ActorRef<Counter>>>()
  void counter.ask({ timeout: 1 }).add(1)
  // @ts-expect-error -- it takes a number
  void counter.tell({ confirm: true }).add('1')
}
