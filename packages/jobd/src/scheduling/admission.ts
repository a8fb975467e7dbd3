import type { ActorRef } from '@tasktree/actor'
import { type EventLoop, getEventLoop } from '@tasktree/core'
import type { LimitChange } from '../jobs/kind-limits.ts'
import type { KindTable } from '../jobs/kind-table.ts'
import type { Store } from '../store/store.ts'
import { Limits } from './limits.ts'
import { Pauses } from './pauses.ts'
import type { Openings } from './ready-jobs.ts'

/** The longest time for which a rate can be given, in milliseconds: 30 days. Jobs that began earlier delay no job. */
const longestRate = 2_592_000_000

/** The functions of the scheduler that the admission calls. */
export interface AdmissionHooks {
  /** Starts a timer. */
  after: (ms: number, call: () => void) => void
  /** Called when jobs of the group may begin again. */
  unblock: (kind: string, group: string) => void
  /** Called when a limit lets jobs begin again, so that idle workers can get jobs. */
  dispatch: () => void
}

/**
 * Decides which jobs may begin. Jobs wait while their kind is paused, is unknown to this server, or has reached a
 * limit.
 */
export class Admission implements Openings {
  readonly pauses = new Pauses()
  readonly limits: Limits
  readonly #table: KindTable
  readonly #hooks: AdmissionHooks
  readonly #loop: EventLoop = getEventLoop()
  /** The kinds and groups for which a timer waits until their rate lets a job begin. */
  readonly #awaited = new Set<string>()

  constructor(
    table: KindTable,
    limits: Readonly<Record<string, LimitChange>>,
    hooks: AdmissionHooks,
  ) {
    this.#table = table
    this.#hooks = hooks
    this.limits = new Limits(
      (kind) => table.get(kind),
      limits,
      () => this.#loop.time(),
    )
  }

  /** The names of the kinds that the server knows. */
  get kinds(): string[] {
    return this.#table.names
  }

  /**
   * Reads the pauses, the limits, and the times at which jobs began, from the jobs' file. If the wall clock was set
   * back since a job began, the time of its beginning may be in the future. Such a time counts as now.
   */
  async read(asks: ActorRef<Store>['ask']): Promise<void> {
    this.pauses.parse(await asks.setting('paused'))
    this.limits.parse(await asks.setting('limits'))
    for (const { kind, group, at } of await asks.begins())
      this.limits.remember(kind, group, this.#loop.time() - Math.max(0, Date.now() - at))
  }

  /**
   * Forgets the groups that cannot delay a job any more. Returns a time in `Date.now()` milliseconds: jobs that began
   * before it do not count for any rate.
   */
  sweep(): number {
    this.limits.sweep()
    return Date.now() - longestRate
  }

  /** Whether jobs of the kind may begin. Jobs of a kind that this server does not have wait until the server has it. */
  kind(kind: string): boolean {
    if (this.pauses.has(kind) || !this.#table.has(kind)) return false
    return this.#isOpen(kind, this.limits.opensAt(kind), () => this.#hooks.dispatch())
  }

  group(kind: string, group: string): boolean {
    return this.#isOpen(`${kind} ${group}`, this.limits.groupOpensAt(kind, group), () => {
      this.#hooks.unblock(kind, group)
      this.#hooks.dispatch()
    })
  }

  /**
   * Whether `time` has come. If it has not come, and is not Infinity, a timer calls `then` at that time. There is one
   * timer for each `name`.
   */
  #isOpen(name: string, time: number, then: () => void): boolean {
    const wait = time - this.#loop.time()
    if (wait <= 0) return true
    if (wait === Infinity || this.#awaited.has(name)) return false
    this.#awaited.add(name)
    this.#hooks.after(wait, () => {
      this.#awaited.delete(name)
      then()
    })
    return false
  }
}
