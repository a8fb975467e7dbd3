import {
  Actor,
  type LocalActorRef,
  ActorSystem,
  AskCycle,
  child,
  type ChildSpec,
  FailedToStart,
  type ReplyPort,
  silentLogger,
  type SupervisorOptions,
} from '@tasktree/actor'
import { createTask, type Future, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'

/** Makes a function that draws random numbers (mulberry32). The same seed gives the same tree and the same crashes. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Records what the incarnations of each child do, and checks it at once. */
class Watch {
  readonly running = new Map<string, number>()
  readonly faults: string[] = []
  closed = false

  started(path: string): void {
    if (this.closed) this.faults.push(`${path} started after the system had ended`)
    const count = (this.running.get(path) ?? 0) + 1
    this.running.set(path, count)
    if (count > 1) this.faults.push(`${count} incarnations of ${path} at once`)
  }

  stopped(path: string): void {
    if (this.closed) this.faults.push(`${path} stopped after the system had ended`)
    const count = (this.running.get(path) ?? 0) - 1
    this.running.set(path, count)
    if (count < 0) this.faults.push(`${path} stopped without having started`)
  }
}

/** Records the fate of each message, by the number of the message. */
class Ledger {
  #last = 0
  readonly handled = new Map<number, number>()
  readonly dead = new Map<number, number>()
  readonly sent = new Set<number>()
  readonly asked = new Map<number, Future<unknown>>()

  number(): number {
    return ++this.#last
  }

  /** Called when a handler has begun with a message and will not stash it. */
  handle(id: number): void {
    this.handled.set(id, (this.handled.get(id) ?? 0) + 1)
  }

  die(id: number): void {
    this.dead.set(id, (this.dead.get(id) ?? 0) + 1)
  }

  faults(): string[] {
    const faults: string[] = []
    for (const [id, count] of this.handled) {
      if (count > 1) faults.push(`message ${id} was handled ${count} times`)
    }
    for (const id of this.sent) {
      const fates = (this.handled.get(id) ?? 0) + (this.dead.get(id) ?? 0)
      if (fates !== 1) faults.push(`tell ${id} has ${fates} fates`)
    }
    for (const [id, ask] of this.asked) {
      if (!ask.done()) faults.push(`ask ${id} has no outcome`)
      else if (!ask.cancelled() && ask.exception() === null && ask.result() !== id) {
        faults.push(`ask ${id} has the answer of ${String(ask.result())}`)
      } else if (!ask.cancelled() && ask.exception() instanceof AskCycle) {
        faults.push(`ask ${id} was told of a cycle, and there are none here`)
      }
    }
    return faults
  }
}

class Subject extends Actor {
  static override readonly interleave = ['beside', 'besideLater']
  readonly #watch: Watch
  readonly #ledger: Ledger
  readonly #random: () => number

  constructor(watch: Watch, ledger: Ledger, random: () => number) {
    super()
    this.#watch = watch
    this.#ledger = ledger
    this.#random = random
  }

  protected override async onStart(): Promise<void> {
    if (this.#random() < 0.3) await sleep(this.#random() * 20)
    if (this.#random() < 0.05) throw new Error('start')
    this.#watch.started(this.ctx.path)
  }

  protected override async onStop(): Promise<void> {
    if (this.#random() < 0.3) await sleep(this.#random() * 20)
    this.#watch.stopped(this.ctx.path)
    if (this.#random() < 0.1) throw new Error('cleanup')
  }

  work(ms: number): PromiseLike<number> | number {
    return ms < 3 ? ms : sleep(ms, ms)
  }

  crash(): void {
    throw new Error('crash')
  }

  async takes(id: number, ms: number): Promise<number> {
    this.#ledger.handle(id)
    if (ms > 5) await sleep(ms)
    return id
  }

  beside(id: number): number {
    this.#ledger.handle(id)
    return id
  }

  async besideLater(id: number, ms: number): Promise<ReplyPort<number>> {
    this.#ledger.handle(id)
    await sleep(ms)
    const port = this.ctx.reply<number>()
    port.resolve(id)
    return port
  }

  defers(id: number, ms: number): ReplyPort<number> {
    this.#ledger.handle(id)
    const port = this.ctx.reply<number>()
    this.ctx.after(ms, () => port.resolve(id))
    return port
  }

  pipes(id: number, ms: number): ReplyPort<number> {
    this.#ledger.handle(id)
    const port = this.ctx.reply<number>()
    this.ctx.pipe(sleep(ms, id), (value) => port.resolve(value))
    return port
  }

  /** Stashes its message when it handles it for the first time, and unstashes all messages after `ms` milliseconds. */
  async stashes(id: number, ms: number): Promise<number> {
    try {
      if (ms > 10) await sleep(1)
    } catch (error) {
      this.#ledger.handle(id)
      throw error
    }
    if (!this.#stashed.has(id)) {
      this.#stashed.add(id)
      this.ctx.stash()
      this.ctx.after(ms, () => this.ctx.unstashAll())
      return -1
    }
    this.#ledger.handle(id)
    return id
  }
  readonly #stashed = new Set<number>()

  /**
   * Asks a peer, and answers when the peer has answered. The handler of the peer asks this actor back. This is not a cycle of waits,
   * because this handler does not wait: it returns a ReplyPort at once.
   */
  asksOn(id: number, peer: LocalActorRef<Subject>): ReplyPort<number> {
    this.#ledger.handle(id)
    const port = this.ctx.reply<number>()
    const inner = this.#ledger.number()
    const ask = peer.ask({ timeout: 300 }).asksBack(inner, this.ctx.self)
    this.#ledger.asked.set(inner, ask)
    this.ctx.pipe(
      ask,
      () => port.resolve(id),
      () => port.resolve(id),
    )
    return port
  }

  async asksBack(id: number, back: LocalActorRef<Subject>): Promise<number> {
    this.#ledger.handle(id)
    const inner = this.#ledger.number()
    const ask = back.ask({ timeout: 200 }).beside(inner)
    this.#ledger.asked.set(inner, ask)
    await Promise.allSettled([ask, sleep(1)])
    return id
  }

  quit(): void {
    this.ctx.stop()
  }
}

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

function supervisorOptions(
  watch: Watch,
  ledger: Ledger,
  random: () => number,
  depth: number,
): SupervisorOptions {
  return {
    strategy: pick(random, ['one-for-one', 'one-for-all', 'rest-for-one'] as const),
    maxRestarts: Math.floor(random() * 6),
    within: 100,
    stopMode: pick(random, ['ordered', 'parallel'] as const),
    ...(random() < 0.3 ? { backoff: { min: 5, max: 20, maxAttempts: 5 } } : {}),
    children: Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) =>
      makeChild(watch, ledger, random, depth, `c${i}`),
    ),
  }
}

function makeChild(
  watch: Watch,
  ledger: Ledger,
  random: () => number,
  depth: number,
  id: string,
): ChildSpec {
  const restart = pick(random, ['permanent', 'transient', 'temporary'] as const)
  if (depth > 0 && random() < 0.35) {
    return child.supervisor(id, supervisorOptions(watch, ledger, random, depth - 1), { restart })
  }
  const shutdown = pick(random, [1000, 1000, Infinity])
  return child.actor(id, Subject, [watch, ledger, random], { restart, shutdown })
}

function actorPaths(system: ActorSystem): string[] {
  const paths: string[] = []
  const visit = (node: ReturnType<ActorSystem['snapshot']>['root']): void => {
    if (node.kind === 'actor') paths.push(node.path)
    node.children.forEach(visit)
  }
  visit(system.snapshot().root)
  return paths
}

/** Runs one scenario. Returns whether the system has started: it does not start if the seed makes an `onStart` throw. */
async function scenario(seed: number): Promise<boolean> {
  const random = generator(seed)
  const watch = new Watch()
  const ledger = new Ledger()
  let system: ActorSystem
  try {
    system = await ActorSystem.start({
      name: 's',
      logger: silentLogger,
      ...supervisorOptions(watch, ledger, random, 2),
    })
  } catch (error) {
    expect(error).toBeInstanceOf(FailedToStart)
    expect([...watch.running.values()].every((count) => count === 0)).toBe(true)
    expect(watch.faults).toEqual([])
    return false
  }
  const done = system.done.catch(() => {})
  using letters = system.deadLetters.subscribe()
  createTask(async () => {
    for await (const { message } of letters) ledger.die(message.args[0] as number)
  })
  const asks: Future<unknown>[] = []
  for (let step = 0; step < 25; step++) {
    const paths = actorPaths(system)
    if (paths.length === 0) break
    const target = system.lookup<LocalActorRef<Subject>>(pick(random, paths))
    if (target === null) continue
    const dice = random()
    const ms = Math.floor(random() * 20)
    if (dice < 0.15) asks.push(target.ask({ timeout: 500 }).work(ms))
    else if (dice < 0.5) {
      const id = ledger.number()
      const ways = ['takes', 'beside', 'besideLater', 'defers', 'pipes', 'stashes'] as const
      const way = pick(random, ways)
      if (random() < 0.4) {
        ledger.sent.add(id)
        void target.tell[way](id, ms)
      } else if (random() < 0.2) {
        const peer = system.lookup<LocalActorRef<Subject>>(pick(random, paths))
        if (peer !== null) ledger.asked.set(id, target.ask({ timeout: 500 }).asksOn(id, peer))
      } else ledger.asked.set(id, target.ask({ timeout: 500 })[way](id, ms))
    } else if (dice < 0.6) asks.push(target.ask({ timeout: 500 }).crash())
    else if (dice < 0.7) void target.tell.quit()
    else if (dice < 0.8) void target.tell.crash()
    else void target.stop()
    if (random() < 0.5) await sleep(random() * 30)
  }
  await system.stop()
  await done
  watch.closed = true
  // Every ask settles, even if its actor has crashed or stopped.
  const late = sleep(1000)
  await Promise.allSettled([...asks, ...ledger.asked.values()])
  expect(late.done()).toBe(false)
  await late
  expect(ledger.faults()).toEqual([])
  expect(watch.faults).toEqual([])
  expect([...watch.running].filter(([, count]) => count !== 0)).toEqual([])
  return true
}

const seeds = Number(process.env['TASKTREE_SEEDS'] ?? 1000)
const first = Number(process.env['TASKTREE_SEED'] ?? 1)

/** Runs the scenarios of `count` seeds. At least a quarter of their systems must start, because the others test little. */
async function runScenarios(
  count: number,
  runScenario: (seed: number) => Promise<boolean>,
): Promise<void> {
  let started = 0
  for (let seed = first; seed < first + count; seed++) {
    try {
      if (await runScenario(seed)) started++
    } catch (error) {
      throw new Error(`seed ${seed} fails; replay it with TASKTREE_SEED=${seed} TASKTREE_SEEDS=1`, {
        cause: error,
      })
    }
  }
  expect(started).toBeGreaterThanOrEqual(Math.floor(count / 4))
}

test(
  `random trees with random crashes restart as the rules say, ${seeds} seeds`,
  { tags: ['slow'] },
  () => runScenarios(seeds, (seed) => runVirtual(() => scenario(seed))),
)

test(
  'random trees with random crashes restart as the rules say if ready tasks run in other orders',
  { tags: ['slow'] },
  () => runScenarios(Math.min(seeds, 200), (seed) => runVirtual(() => scenario(seed), { seed })),
)
