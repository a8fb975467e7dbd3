import { Actor, type ActorRef } from '@tasktree/actor'
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

class Keyed extends Actor {
  readonly #key: string
  constructor(key: string) {
    super()
    this.#key = key
  }
  key(): string {
    return this.#key
  }
}
class Placed extends Actor {
  readonly place: number
  constructor(place: number, name: string) {
    super()
    this.place = place + name.length
  }
}

export function entities(cluster: Cluster): void {
  cluster.entity('keyed', Keyed)
  cluster.entity('keyed', Keyed, { idleTimeout: 1, state: { save: () => 1, load: () => {} } })
  cluster.entity('placed', Placed, { args: (key) => [1, key] })
  // @ts-expect-error -- its constructor takes more than the key
  cluster.entity('placed', Placed)
  // @ts-expect-error -- the place is a number
  cluster.entity('placed', Placed, { args: (key) => [key, key] })
  cluster.entity('keyed', Keyed, {
    // @ts-expect-error -- the actor has no such method
    state: { save: (keyed) => keyed.unknown(), load: () => {} },
  })
  const ref = cluster.ref<Keyed>('keyed', 'a')
  is<Equal<typeof ref, ActorRef<Keyed>>>()
  void ref.ask.key()
  // @ts-expect-error -- the method takes no argument
  void ref.tell({ confirm: true }).key(1)
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
  // @ts-expect-error -- the method takes a number
  void counter.tell({ confirm: true }).add('1')
}
