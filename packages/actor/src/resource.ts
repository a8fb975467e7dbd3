import { createTask, sleep, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { ChildRef } from './child-ref.ts'
import type { ResourceSpec } from './child-spec.ts'
import { NoProc, WorkerExit } from './errors.ts'
import { type ExitReason, failure, formatReason, killed, normal, shutdown } from './exit-reason.ts'
import { isPromiseLike } from './handling.ts'
import { registerKind } from './make-slot.ts'
import { Run } from './run.ts'
import { Slot } from './slot.ts'

/** The address of a resource: a pool, a server, a process. */
export class ResourceRef<R = unknown> extends ChildRef {
  /** @internal */
  declare readonly slot: ResourceSlot

  /** The one that runs; after a restart it is another. @throws {NoProc} while none runs */
  get value(): R {
    const { run } = this.slot
    if (run === null || this.slot.status !== 'running') throw new NoProc(this.path)
    return run.resource as R
  }
}

export class ResourceSlot extends Slot {
  readonly kind = 'resource' as const
  declare spec: ResourceSpec
  declare run: ResourceRun | null

  protected override makeRef(): ResourceRef {
    return new ResourceRef(this)
  }

  protected override makeRun(number: number): ResourceRun {
    return new ResourceRun(this, number)
  }
}

interface Conventions {
  start?: () => unknown
  wait?: () => PromiseLike<unknown>
  [Symbol.asyncDispose]?: () => PromiseLike<unknown>
  [Symbol.dispose]?: () => unknown
}

/** One life of a resource: made and started, watched, disposed. */
export class ResourceRun extends Run {
  declare readonly slot: ResourceSlot
  task!: Task<void>
  resource: unknown = undefined
  #end: ExitReason | null = null
  #watch: Task<unknown> | null = null

  override begin(): void {
    const { path, home } = this.slot
    this.task = createTask(() => this.#start(), { name: path, loop: home.loop })
    observe(this.task, () => this.#started())
  }

  async #start(): Promise<void> {
    const { make } = this.slot.spec
    const resource = await make()
    this.resource = resource
    const { start } = resource as Conventions
    if (typeof start === 'function') await start.call(resource)
  }

  #started(): void {
    const failed = this.task.cancelled() || this.task.exception() !== null
    if (!failed && this.#end === null && !this.over) {
      this.cameUp()
      this.#watchEnd()
      return
    }
    const cause = this.task.cancelled() ? new NoProc(this.slot.path) : this.task.exception()
    // Made, but too late or not started: it must not be left behind.
    this.#dispose(() => {
      if (!this.over) this.failedToStart(cause ?? new NoProc(this.slot.path))
    })
  }

  #watchEnd(): void {
    const { ended } = this.slot.spec
    const resource = this.resource as Conventions
    const wait = ended ?? (typeof resource.wait === 'function' ? () => resource.wait?.() : null)
    if (wait === null) return
    const { path, home } = this.slot
    const watch = createTask(async () => wait(resource as never), {
      name: `${path} end`,
      loop: home.loop,
    })
    this.#watch = watch
    observe(watch, () => {
      const cancelled = watch.cancelled()
      const error = cancelled ? null : watch.exception()
      if (this.over || this.#end !== null || cancelled) return
      const result: unknown = error === null ? watch.result() : null
      const code = typeof result === 'number' && result !== 0 ? new WorkerExit(result) : null
      const cause = error ?? code
      this.#endWith(cause === null ? normal : failure(cause))
    })
  }

  #endWith(reason: ExitReason): void {
    if (reason.kind === 'error') {
      const { path, home, spec } = this.slot
      this.decision = spec.decide?.(reason.error) ?? null
      home.log.error(`${path} failed: ${formatReason(reason)}`, reason.error)
    }
    this.#end = reason
    this.#dispose(() => this.ended(this.#end ?? reason))
  }

  /** Disposes of it, whatever that throws, and goes on. */
  #dispose(then: () => void): void {
    this.#watch?.cancel()
    const resource = this.resource as Conventions | undefined
    if (resource === undefined || resource === null) {
      then()
      return
    }
    const { path, home } = this.slot
    const task = createTask(
      async () => {
        const async = resource[Symbol.asyncDispose]
        const result = async === undefined ? resource[Symbol.dispose]?.() : async.call(resource)
        if (isPromiseLike(result)) await result
      },
      { name: `${path} dispose`, loop: home.loop },
    )
    observe(task, () => {
      const error = task.cancelled() ? null : task.exception()
      if (error !== null) this.reportShutdownError(failure(error))
      if (!this.over) then()
    })
  }

  override finish(reason: ExitReason): void {
    this.interrupt(reason)
  }

  override interrupt(reason: ExitReason): void {
    if (this.over || this.#end !== null) return
    this.#end = reason
    if (this.starting.done()) this.#dispose(() => this.ended(this.#end ?? shutdown))
    else this.task.cancel('shutdown')
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    const first = this.#end === null
    this.#end = killed
    if (!this.starting.done()) this.task.cancel('killed')
    // It is disposed of all the same: nobody else will; but nobody waits for that.
    else if (first) this.#dispose(() => {})
    observe(sleep(0), () => {
      this.slot.home.loop.callSoon(() => {
        if (this.over) return
        if (this.starting.done()) this.ended(killed)
        else this.failedToStart(new NoProc(this.slot.path))
      })
    })
  }
}

registerKind('resource', (spec, owner, home) => new ResourceSlot(spec as ResourceSpec, owner, home))
