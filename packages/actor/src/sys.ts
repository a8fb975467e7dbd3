import { Future } from '@tasktree/core'
import type { Actor } from './actor.ts'
import type { ActorRef } from './actor-ref.ts'
import type { ActorRun } from './actor-run.ts'
import { NoProc } from './errors.ts'
import type { Message } from './message.ts'

export interface ActorStatistics {
  readonly incarnation: number
  readonly restarts: number
  readonly handled: number
  readonly mailbox: number
  readonly stashed: number
  readonly suspended: boolean
}

export interface TraceEvent {
  readonly message: Message
  readonly ms: number
  readonly error?: unknown
}

type AnyRef = ActorRef<never> | ActorRef

function runOf(ref: AnyRef): ActorRun {
  const { run } = ref.slot
  if (run === null || run.over) throw new NoProc(ref.path)
  return run
}

/** Between two messages of the actor, before all that wait. */
function between<T>(ref: AnyRef, action: (run: ActorRun) => T): Future<T> {
  const run = runOf(ref)
  const done = new Future<T>({ loop: run.slot.home.loop })
  run.control(() => {
    if (done.done()) return
    try {
      done.setResult(action(run))
    } catch (error) {
      done.setException(error)
    }
  })
  return done
}

/**
 * A look into a running actor, and a hand on it, for operators and tests. What it asks is served between two
 * messages, before all that wait, also while the actor is suspended.
 *
 * Source: sys of OTP.
 */
export const sys: {
  /** The actor itself. */
  getState<A extends Actor>(ref: ActorRef<A>): Future<A>
  /** Changes the state by `change`, which is given the actor. */
  replaceState<A extends Actor>(ref: ActorRef<A>, change: (actor: A) => void): Future<void>
  /** It handles no messages until `resume`; it can be stopped and killed. */
  suspend(ref: AnyRef): Future<void>
  resume(ref: AnyRef): Future<void>
  /** Calls `listener` after each message of this incarnation; null: no more. */
  trace(ref: AnyRef, listener: ((event: TraceEvent) => void) | null): void
  statistics(ref: AnyRef): ActorStatistics
} = {
  getState<A extends Actor>(ref: ActorRef<A>): Future<A> {
    return between(ref, (run) => run.actor as unknown as A)
  },
  replaceState<A extends Actor>(ref: ActorRef<A>, change: (actor: A) => void): Future<void> {
    return between(ref, (run) => change(run.actor as unknown as A))
  },
  suspend(ref) {
    return between(ref, (run) => {
      run.suspended = true
      run.slot.status = 'suspended'
    })
  },
  resume(ref) {
    return between(ref, (run) => {
      run.suspended = false
      run.slot.status = 'running'
    })
  },
  trace(ref, listener) {
    runOf(ref).trace = listener
  },
  statistics(ref) {
    const { slot } = ref
    const { run } = slot
    return {
      incarnation: slot.number,
      restarts: slot.restarts,
      handled: run?.handled ?? 0,
      mailbox: slot.mailbox.size,
      stashed: run?.stashed ?? 0,
      suspended: run?.suspended ?? false,
    }
  },
}
