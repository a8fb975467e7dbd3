import {
  Actor,
  type ActorContext,
  type ActorOptions,
  type LocalActorRef,
  type ActorSpec,
  ActorSystem,
  type ActorSystemOptions,
  child,
  type ExitReason,
  silentLogger,
  type SupervisorRef,
  type SystemEvent,
} from '@tasktree/actor'
import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { beforeEach, vi } from 'vitest'

export { thrown } from '../../../../vitest.thrown.ts'

// Actors outside of a system log to the console, so the console is silent in these tests.
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})

export interface ProbeOptions {
  /** How many milliseconds the `onStop` of the actor takes. */
  cleanup?: number
  onStart?: (context: ActorContext) => PromiseLike<void> | void
  onStop?: (reason: ExitReason) => PromiseLike<void> | void
}

/** An actor that writes what happens to it into a log. */
export class Probe extends Actor {
  readonly #log: string[]
  readonly #options: ProbeOptions

  constructor(log: string[], options: ProbeOptions = {}) {
    super()
    this.#log = log
    this.#options = options
  }

  protected override async onStart(): Promise<void> {
    await this.#options.onStart?.(this.ctx)
    this.#log.push(`start ${this.ctx.name}`)
  }

  protected override async onStop(reason: ExitReason): Promise<void> {
    if (this.#options.cleanup !== undefined) await sleep(this.#options.cleanup)
    await this.#options.onStop?.(reason)
    this.#log.push(`stop ${this.ctx.name} ${reason.kind}`)
  }

  ping(): number {
    return this.ctx.incarnation
  }

  crash(error: unknown = new Error('boom')): void {
    throw error
  }

  quit(): void {
    this.ctx.stop()
  }

  note(text: string): void {
    this.#log.push(text)
  }

  async nap(ms: number): Promise<string> {
    await sleep(ms)
    return 'rested'
  }

  async hang(): Promise<void> {
    await new Promise(() => {})
  }

  async stall(): Promise<void> {
    await sleep(Infinity)
  }
}

export function probe(
  log: string[],
  id: string,
  options: ProbeOptions = {},
  childOptions: ActorOptions = {},
): ActorSpec<Probe> {
  return child.actor(id, Probe, [log, options], childOptions)
}

/** An `onStart` that succeeds in the first incarnation, and fails after 50 ms in each later one. */
export async function failToRestart(context: ActorContext): Promise<void> {
  if (context.incarnation === 1) return
  await sleep(50)
  throw new Error('start')
}

/** Options of a supervisor: each restart waits for 100 ms, and five restarts are allowed in a minute. */
export const slowRestarts = { backoff: { min: 100, max: 100 }, maxRestarts: 5, within: 60_000 }

/** Starts an actor system named `s` that logs nothing. */
export function start(options: Omit<ActorSystemOptions, 'name'> = {}): Promise<ActorSystem> {
  return ActorSystem.start({ name: 's', logger: silentLogger, ...options })
}

/** Makes a test function that runs `body` in virtual time, with an empty log. */
export function virtually(body: (log: string[]) => Promise<void>): () => Promise<void> {
  return () => runVirtual(() => body([]))
}

export function ref(system: ActorSystem, path: string): LocalActorRef<Probe> {
  const found = system.lookup<LocalActorRef<Probe>>(path)
  if (found === null) throw new Error(`no ${path}`)
  return found
}

export function supervisor(system: ActorSystem, path: string): SupervisorRef {
  const found = system.lookup<SupervisorRef>(path)
  if (found === null) throw new Error(`no ${path}`)
  return found
}

/** Sends the actor a message whose handler throws, and waits until its supervisor has reacted. */
export async function crash(target: LocalActorRef<Probe>, error?: unknown): Promise<void> {
  await target.tell.crash(error)
  await sleep(0)
  await settled()
}

/** Waits for 30 turns of the loop, so that all code that is ready has run. No virtual time passes. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await sleep(0)
}

/** Collects the events of a type from now on. */
export function collect<T extends SystemEvent['type']>(
  system: ActorSystem,
  type: T,
): Extract<SystemEvent, { type: T }>[] {
  const events: Extract<SystemEvent, { type: T }>[] = []
  const subscription = system.events.subscribe()
  createTask(async () => {
    for await (const event of subscription) {
      if (event.type === type) events.push(event as Extract<SystemEvent, { type: T }>)
    }
  })
  return events
}
