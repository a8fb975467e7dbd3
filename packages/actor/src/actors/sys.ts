import { Future } from '@tasktree/core'
import { checkBody, describe } from '@tasktree/core/lowlevel'
import type { Actor } from './actor.ts'
import { LocalActorRef } from './local-actor-ref.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { NoProc } from '../errors.ts'
import type { TraceEvent } from './message-loop.ts'

export type { TraceEvent } from './message-loop.ts'

export interface ActorStatistics {
  readonly incarnation: number
  readonly restarts: number
  readonly handled: number
  readonly mailbox: number
  readonly stashed: number
  readonly suspended: boolean
}

type AnyRef = LocalActorRef<never> | LocalActorRef

/** @throws {TypeError} when `ref`, the argument of a function of `sys`, is not the ref of an actor */
function checkRef(ref: unknown): void {
  if (ref instanceof LocalActorRef) return
  throw new TypeError(`the functions of sys take the ref of an actor, got ${describe(ref)}`)
}

/** @throws {TypeError} when `listener` is neither a function nor null */
function checkListener(listener: unknown): void {
  if (listener === null || typeof listener === 'function') return
  throw new TypeError(`sys.trace takes a function or null, got ${describe(listener)}`)
}

function incarnationOf(ref: AnyRef): ActorIncarnation {
  checkRef(ref)
  const { incarnation } = ref.target
  if (ref.isStale || incarnation === null || incarnation.over) throw new NoProc(ref.path)
  return incarnation
}

/**
 * Calls `action` when the running handler of the actor has ended, and before the next message is handled. (Handlers
 * that overlap that handler may still run.) The returned future has the result of `action`. If the actor ends first,
 * the returned future fails.
 */
function between<T>(ref: AnyRef, action: (incarnation: ActorIncarnation) => T): Future<T> {
  const incarnation = incarnationOf(ref)
  const done = new Future<T>({ loop: incarnation.child.runtime.loop })
  incarnation.request({
    perform() {
      if (done.done()) return
      try {
        done.setResult(action(incarnation))
      } catch (error) {
        done.setException(error)
      }
    },
    drop(error) {
      if (!done.done()) done.setException(error)
    },
  })
  return done
}

/**
 * Inspects and controls a running actor, for operators and tests. `trace` and `statistics` act at once. The actor
 * performs the other requests after its running handler, and before it handles the messages in the mailbox, even while
 * the actor is suspended. Such a request fails when the actor ends before it has performed the request.
 *
 * Modelled on `sys` of Erlang/OTP.
 *
 * @example
 *     class Counter extends Actor {
 *       count = 0
 *       add(): void {
 *         this.count++
 *       }
 *     }
 *     const counter = await spawn(Counter)
 *     await counter.ask.add()
 *     console.log((await sys.getState(counter)).count, sys.statistics(counter).handled) // 1 1
 *     await counter.stop()
 */
export const sys: {
  /** Resolves with the actor object itself. */
  getState<A extends Actor>(ref: LocalActorRef<A>): Future<A>
  /** Calls `change` with the actor object, which `change` may modify. */
  replaceState<A extends Actor>(ref: LocalActorRef<A>, change: (actor: A) => void): Future<void>
  /**
   * Makes the actor handle no messages until `resume` is called or the actor is restarted. A suspended actor can still
   * be stopped and killed.
   */
  suspend(ref: AnyRef): Future<void>
  resume(ref: AnyRef): Future<void>
  /** Makes the actor call `listener` after each message, until the actor is restarted. `null` removes the listener. */
  trace(ref: AnyRef, listener: ((event: TraceEvent) => void) | null): void
  statistics(ref: AnyRef): ActorStatistics
} = {
  getState<A extends Actor>(ref: LocalActorRef<A>): Future<A> {
    return between(ref, (incarnation) => incarnation.actor as unknown as A)
  },
  replaceState<A extends Actor>(ref: LocalActorRef<A>, change: (actor: A) => void): Future<void> {
    checkBody('sys.replaceState', change)
    return between(ref, (incarnation) => change(incarnation.actor as unknown as A))
  },
  suspend(ref) {
    return between(ref, (incarnation) => {
      incarnation.messageLoop.suspended = true
      incarnation.child.status = 'suspended'
    })
  },
  resume(ref) {
    return between(ref, (incarnation) => {
      incarnation.messageLoop.suspended = false
      incarnation.child.status = 'running'
    })
  },
  trace(ref, listener) {
    checkListener(listener)
    incarnationOf(ref).messageLoop.trace = listener
  },
  statistics(ref) {
    checkRef(ref)
    if (ref.isStale) throw new NoProc(ref.path)
    const { target: child } = ref
    const { incarnation } = child
    return {
      incarnation: child.number,
      restarts: child.restarts,
      handled: incarnation?.messageLoop.handled ?? 0,
      mailbox: child.mailbox.size,
      stashed: incarnation?.stashed ?? 0,
      suspended: incarnation?.messageLoop.suspended ?? false,
    }
  },
}
