import { sleep } from '@tasktree/core'
import { isThenable, observe } from '@tasktree/core/lowlevel'
import { ChildRef } from './child-ref.ts'
import type { ResourceSpec } from './child-spec.ts'
import { NoProc, WorkerExit } from '../errors.ts'
import { type ExitReason, failure, killed, normal, shutdown } from '../exit-reason.ts'
import { registerKind } from './child-kinds.ts'
import { Incarnation } from './incarnation.ts'
import { Child } from './child.ts'
import { AbandonableTask } from './abandonable-task.ts'
import { reportZombie } from './zombie.ts'

/**
 * The address of a resource: a pool, a server, a process or a similar object under supervision.
 *
 * @example
 *     import { ThreadPoolExecutor } from '@tasktree/executor'
 *
 *     await using system = await ActorSystem.start({
 *       name: 'app',
 *       children: [child.resource('pool', () => new ThreadPoolExecutor())],
 *     })
 *     const pool = system.lookup<ResourceRef<ThreadPoolExecutor>>('pool')?.value
 *     console.log(await pool?.submit(() => 6 * 7)) // 42
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the type of the resource
export class ResourceRef<R = unknown> extends ChildRef {
  /** @internal the resource that this ref is the address of */
  declare readonly target: ResourceChild

  /**
   * The running resource object. Each restart makes a new object.
   * @throws {NoProc} while no resource object runs
   */
  get value(): R {
    const { incarnation } = this.target
    if (incarnation === null || this.target.status !== 'running') throw new NoProc(this.path)
    return incarnation.resource as R
  }
}

export class ResourceChild extends Child {
  readonly kind = 'resource' as const
  declare spec: ResourceSpec
  declare incarnation: ResourceIncarnation | null

  protected override makeRef(): ResourceRef {
    return new ResourceRef(this)
  }

  protected override makeIncarnation(number: number): ResourceIncarnation {
    return new ResourceIncarnation(this, number)
  }
}

interface Conventions {
  start?: () => unknown
  wait?: () => PromiseLike<unknown>
  [Symbol.asyncDispose]?: () => PromiseLike<unknown>
  [Symbol.dispose]?: () => unknown
}

/**
 * One incarnation (run) of a resource. This object makes and starts the resource, waits until the resource ends or is
 * asked to stop, and disposes the resource.
 */
export class ResourceIncarnation extends Incarnation {
  declare readonly child: ResourceChild
  override readonly task: null = null
  resource: unknown = undefined
  #end: ExitReason | null = null
  /**
   * The work that this incarnation does now: it starts the resource, waits for the end of the resource, or disposes the
   * resource.
   */
  #work!: AbandonableTask<unknown>

  protected override begin(): void {
    this.#work = this.#startTask('', () => this.#start())
    observe(this.#work.task, () => this.#started())
  }

  #startTask(what: string, body: () => Promise<unknown>): AbandonableTask<unknown> {
    const { path, runtime } = this.child
    return new AbandonableTask(`${path}${what}`, runtime.loop, body)
  }

  async #start(): Promise<void> {
    const { make } = this.child.spec
    const resource = await make()
    if (this.over) {
      // The incarnation was killed before `make` had returned the resource, so nothing else disposes this resource.
      await disposeOf(resource as Conventions)
      return
    }
    this.resource = resource
    const { start } = resource as Conventions
    if (typeof start === 'function') await start.call(resource)
  }

  #started(): void {
    const failed = this.#work.failure()
    if (!this.#work.task.cancelled() && failed === null && this.#end === null) {
      this.cameUp()
      this.#watch()
      return
    }
    const cause = failed === null ? new NoProc(this.child.path) : failed.error
    // The start failed, but `make` may have returned a resource before that. Such a resource must be disposed.
    this.#dispose(() => this.failedToStart(cause))
  }

  #watch(): void {
    const { ended } = this.child.spec
    const resource = this.resource as Conventions
    const wait = ended ?? (typeof resource.wait === 'function' ? () => resource.wait?.() : null)
    if (wait === null) return
    const watch = this.#startTask(' end', async () => wait(resource as never))
    this.#work = watch
    observe(watch.task, () => {
      const failed = watch.failure()
      if (this.over || this.#end !== null) return
      if (failed !== null) {
        this.#endWith(failure(failed.error))
        return
      }
      if (watch.task.cancelled()) return
      const result: unknown = watch.task.result()
      if (typeof result === 'number' && result !== 0) {
        this.#endWith(failure(new WorkerExit(result)))
      } else this.#endWith(normal)
    })
  }

  #endWith(reason: ExitReason): void {
    if (reason.kind === 'error') {
      this.crashedIn = 'the resource'
      this.decision = this.decide(reason.error)
    }
    this.#end = reason
    this.#dispose(() => this.ended(this.#end ?? reason))
  }

  /** Disposes the resource and then calls `then`, even if the disposal throws. */
  #dispose(then: () => void): void {
    if (this.started) this.child.status = 'stopping'
    void this.#work.abandon()
    const resource = this.resource as Conventions | null | undefined
    if (resource === undefined || resource === null) {
      then()
      return
    }
    const disposal = this.#startTask(' dispose', () => disposeOf(resource))
    this.#work = disposal
    observe(disposal.task, () => {
      const failed = disposal.failure()
      if (failed !== null) this.reportShutdownError(failure(failed.error))
      if (!this.over) then()
    })
  }

  override finish(reason: ExitReason): void {
    this.interrupt(reason)
  }

  override interrupt(reason: ExitReason): void {
    if (this.over || this.#end !== null) return
    this.#end = reason
    if (this.started) this.#dispose(() => this.ended(this.#end ?? shutdown))
    else this.#work.cancel('shutdown')
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    const wasEnding = this.#end !== null
    this.#end = killed
    if (!this.started) this.#work.cancel('killed')
    // If `wasEnding` is true, the disposal of the resource has begun already. Otherwise the disposal begins here. If
    // the disposal takes longer than two turns of the event loop, `#giveUp` ends the incarnation without it.
    else if (!wasEnding) this.#dispose(() => this.ended(killed))
    observe(sleep(0), () => {
      this.child.runtime.loop.callSoon(() => this.#giveUp())
    })
  }

  #giveUp(): void {
    if (this.over) return
    const promise = this.#work.abandon()
    if (this.started) this.ended(killed)
    else this.failedToStart(new NoProc(this.child.path))
    if (promise === null) return
    reportZombie(this, 'the resource', 0, promise)
  }
}

async function disposeOf(resource: Conventions): Promise<void> {
  const disposed =
    resource[Symbol.asyncDispose] === undefined
      ? resource[Symbol.dispose]?.()
      : resource[Symbol.asyncDispose]?.()
  if (isThenable(disposed)) await disposed
}

registerKind('resource', (spec, owner, runtime) => new ResourceChild(spec, owner, runtime))
