/**
 * Runs children while this node has a lease. One actor, the guardian, waits for the lease and then supervises the children
 * under it. The first of these children is the lease itself: when it is lost, that child ends, and its supervisor stops the
 * others. In an orderly stop the lease is the last child that is stopped, so it is given back when nothing runs any more.
 */
import { Actor, child, type ChildOptions, type ChildSpec, type Down } from '@tasktree/actor'
import { cancelTasks, createTask, getEventLoop, isCancelled, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { Link } from '../link/link.ts'
import { agreeOn } from './agreement.ts'
import { acquireLease, type Lease, type LeaseSettings } from './lease.ts'

export interface LeasedOptions {
  readonly id: string
  readonly lease: LeaseSettings
  /** Settings that must be the same on all nodes. Left out if other code has compared them already. */
  readonly agreement?: { readonly what: string; readonly settings: object }
  /** Returns the children that run while the lease is held. */
  readonly children: (lease: Lease) => readonly ChildSpec[]
  /** Called with true when the children have started, and with false when they do not run. */
  readonly onChange?: (isRunning: boolean) => void
  readonly supervision: ChildOptions
}

export function leasedSpec(link: Link, options: LeasedOptions): ChildSpec {
  // The guardian is a supervisor. Its stop has no time limit, because the stop of each of its children has one.
  const supervision = { shutdown: Infinity, ...options.supervision }
  return child.actor(options.id, Guardian, [link, options], supervision)
}

class Guardian extends Actor {
  readonly #link: Link
  readonly #options: LeasedOptions
  /** A lease that no child holds yet. */
  #fresh: Lease | null = null
  #held: Lease | null = null

  constructor(link: Link, options: LeasedOptions) {
    super()
    this.#link = link
    this.#options = options
  }

  protected override onStart(): void {
    this.#options.onChange?.(false)
    this.#campaign()
  }

  #campaign(): void {
    const { agreement } = this.#options
    const acquire = async (): Promise<void> => {
      if (agreement !== undefined) {
        await agreeOn(this.#link, agreement.what, this.#options.lease.key, agreement.settings)
      }
      this.#fresh = await acquireLease(this.#link, this.#options.lease)
    }
    this.ctx.pipe(createTask(acquire), () => this.#run())
  }

  async #run(): Promise<void> {
    const lease = this.#fresh
    if (lease === null) return
    this.#held = lease
    const holder = await this.ctx.supervise({
      name: 'held',
      autoShutdown: 'any',
      children: [
        child.resource('lease', () => new HeldLease(lease), {
          restart: 'temporary',
          significant: true,
        }),
      ],
    })
    this.#fresh = null
    this.ctx.monitor(holder)
    // After a loss the supervisor stops its children. They have `lease.margin` milliseconds until another node can get the
    // lease, but the time limit of a child may be longer. So the children that still run after half of this time are killed.
    lease.onLost = () => {
      getEventLoop().callLater(lease.margin / 2, () => void holder.kill())
    }
    try {
      for (const spec of this.#options.children(lease)) await holder.startChild(spec)
      this.#options.onChange?.(true)
    } catch (error) {
      if (isCancelled(error)) throw error
      // If the lease was lost during the start, `onDown` is called next, and handles the loss.
      if (lease.loss === null) throw error
    }
  }

  protected override onDown({ reason }: Down): void {
    this.#options.onChange?.(false)
    const loss = this.#held?.loss ?? null
    this.#held = null
    if (loss === null && reason.kind === 'error') throw reason.error
    this.#campaign()
  }

  protected override async onStop(): Promise<void> {
    this.#options.onChange?.(false)
    await this.#fresh?.release()
  }
}

/** Lets a supervisor own a lease as one of its children. */
class HeldLease implements AsyncDisposable {
  readonly #lease: Lease
  #keeping: Task<never> | null = null

  constructor(lease: Lease) {
    this.#lease = lease
  }

  start(): void {
    this.#keeping = createServiceTask(() => this.#lease.keep(), { name: 'keep the lease' })
  }

  /** Fails when the lease is lost. */
  async wait(): Promise<void> {
    await this.#keeping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keeping !== null) await cancelTasks([this.#keeping])
    // The lease is released after a loss too, because a server that was silent for a while may still have the entry.
    await this.#lease.release()
  }
}
