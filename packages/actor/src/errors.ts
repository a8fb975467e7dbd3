import type { ExitReason } from './exit-reason.ts'
import { formatReason, formatThrown } from './exit-reason.ts'

/** There is no such actor, or it had stopped for good before the message was sent. The message was not handled. */
export class NoProc extends Error {
  override readonly name: string = 'NoProc'
  readonly code: string = 'ERR_ACTOR_NO_PROC'
  readonly path: string

  constructor(path: string) {
    super(`no running actor at ${path}: it has stopped, or was never started`)
    this.path = path
  }
}

/** The actor ended before it replied to an ask. */
export class ActorStopped extends Error {
  override readonly name: string = 'ActorStopped'
  readonly code: string = 'ERR_ACTOR_STOPPED'
  readonly path: string
  readonly reason: ExitReason
  /** Whether the handler of the message had begun. If not, it is safe to send the message again. */
  readonly delivered: boolean

  constructor(path: string, reason: ExitReason, delivered: boolean, options?: ErrorOptions) {
    const when = delivered ? 'while it handled the message' : 'before it came to the message'
    super(`${path} ended (${formatReason(reason)}) ${when}`, options)
    this.path = path
    this.reason = reason
    this.delivered = delivered
  }
}

/**
 * The actor crashed after the handler of the message had begun; `cause` is the error. The message is not handled again.
 */
export class ActorCrashed extends ActorStopped {
  override readonly name: string = 'ActorCrashed'
  override readonly code: string = 'ERR_ACTOR_CRASHED'

  constructor(path: string, cause: unknown, delivered: boolean) {
    super(path, { kind: 'error', error: cause }, delivered, { cause })
  }
}

/**
 * The actor was restarted with the option `onRestart: 'drop'`, so the message was dropped before it was handled. It is
 * safe to send the message again.
 */
export class ActorRestarting extends Error {
  override readonly name: string = 'ActorRestarting'
  readonly code: string = 'ERR_ACTOR_RESTARTING'
  readonly path: string
  readonly delivered: boolean = false

  constructor(path: string) {
    super(
      `${path} is restarted and dropped its mailbox: the message was not handled, send it again`,
    )
    this.path = path
  }
}

/** No reply came within the timeout. The handler may still run. A reply that comes later is dropped. */
export class AskTimeout extends Error {
  override readonly name: string = 'AskTimeout'
  readonly code: string = 'ERR_ACTOR_ASK_TIMEOUT'
  readonly path: string
  readonly method: string
  /** The timeout that has passed, in milliseconds. */
  readonly timeout: number
  /** Always 'unknown': the handler may have run, may still run, or may never run. */
  readonly delivered = 'unknown' as const

  constructor(path: string, method: string, timeout: number) {
    super(`${path} did not reply to ${method} within ${timeout} ms`)
    this.path = path
    this.method = method
    this.timeout = timeout
  }
}

/**
 * The ask could never be answered, because the asked actor waits for the asker, directly or through other actors. A
 * tell to a full mailbox, a wait for the end of an actor, and a start of a child can fail for the same reason.
 */
export class AskCycle extends Error {
  override readonly name: string = 'AskCycle'
  readonly code: string = 'ERR_ACTOR_ASK_CYCLE'
  /**
   * The paths of the actors in the circle. Each actor waits for the next actor. The asked actor comes first and last.
   */
  readonly path: readonly string[]

  constructor(path: readonly string[], options: { cause?: unknown; message?: string } = {}) {
    const { message, ...rest } = options
    super(
      message ??
        `ask cycle ${path.join(' -> ')}: each waits for the next; use tell, ctx.pipe, or ask({ reentrant: true })`,
      rest,
    )
    this.path = path
  }
}

/** The mailbox was full, and its option `overflow` does not make the sender wait. */
export class MailboxFull extends Error {
  override readonly name: string = 'MailboxFull'
  readonly code: string = 'ERR_ACTOR_MAILBOX_FULL'
  readonly path: string
  readonly capacity: number

  constructor(path: string, capacity: number) {
    super(`the mailbox of ${path} is full (capacity ${capacity})`)
    this.path = path
    this.capacity = capacity
  }
}

/** The handler called `ctx.stash()`, but the stash was full. */
export class StashFull extends Error {
  override readonly name: string = 'StashFull'
  readonly code: string = 'ERR_ACTOR_STASH_FULL'
  readonly path: string
  readonly capacity: number

  constructor(path: string, capacity: number) {
    super(`the stash of ${path} is full (capacity ${capacity})`)
    this.path = path
    this.capacity = capacity
  }
}

/** A child needed more restarts than its supervisor allows. `cause` is the last failure of the child. */
export class RestartLimitError extends Error {
  override readonly name: string = 'RestartLimitError'
  readonly code: string = 'ERR_ACTOR_RESTART_LIMIT'
  /** The path of the child. */
  readonly child: string
  /** How many restarts of the child the supervisor has made. */
  readonly restarts: number

  constructor(child: string, restarts: number, cause: unknown) {
    super(
      `${child} failed again after ${restarts} restarts, and its supervisor allows no more: ${formatThrown(cause)}`,
      { cause },
    )
    this.child = child
    this.restarts = restarts
  }
}

/** A child did not start. Everything that the start had begun has been undone. */
export class FailedToStart extends Error {
  override readonly name: string = 'FailedToStart'
  readonly code: string = 'ERR_ACTOR_FAILED_TO_START'
  readonly childId: string

  constructor(childId: string, cause: unknown) {
    super(`child ${JSON.stringify(childId)} failed to start: ${formatThrown(cause)}`, { cause })
    this.childId = childId
  }
}

/** A child with the same id is running, or is being started. */
export class AlreadyStarted extends Error {
  override readonly name: string = 'AlreadyStarted'
  readonly code: string = 'ERR_ACTOR_ALREADY_STARTED'
  readonly ref: unknown

  constructor(id: string, ref: unknown) {
    super(`child ${JSON.stringify(id)} is already started`)
    this.ref = ref
  }
}

/** A child with the same id exists but does not run: call `restartChild` or `deleteChild`. */
export class AlreadyPresent extends Error {
  override readonly name: string = 'AlreadyPresent'
  readonly code: string = 'ERR_ACTOR_ALREADY_PRESENT'
  readonly childId: string

  constructor(id: string) {
    super(`child ${JSON.stringify(id)} exists and does not run: use restartChild or deleteChild`)
    this.childId = id
  }
}

/** The request is not possible in the current state of the child. */
export class ChildStateError extends Error {
  override readonly name: string = 'ChildStateError'
  readonly code: string = 'ERR_ACTOR_CHILD_STATE'
  readonly childId: string
  readonly state: 'running' | 'restarting' | 'not-found'

  constructor(id: string, state: 'running' | 'restarting' | 'not-found', call: string) {
    const is = state === 'not-found' ? 'does not exist' : `is ${state}`
    super(`${call}: child ${JSON.stringify(id)} ${is}`)
    this.childId = id
    this.state = state
  }
}

/** A dynamic supervisor already has `maxChildren` children. */
export class TooManyChildren extends Error {
  override readonly name: string = 'TooManyChildren'
  readonly code: string = 'ERR_ACTOR_TOO_MANY_CHILDREN'
  readonly path: string
  readonly maxChildren: number

  constructor(path: string, maxChildren: number) {
    super(`${path} has ${maxChildren} children, and maxChildren allows no more`)
    this.path = path
    this.maxChildren = maxChildren
  }
}

/** The supervisor is stopping or has stopped, and accepts no more requests. */
export class SupervisorStopping extends Error {
  override readonly name: string = 'SupervisorStopping'
  readonly code: string = 'ERR_ACTOR_SUPERVISOR_STOPPING'
  readonly path: string

  constructor(path: string) {
    super(`${path} is stopping: it takes no more requests`)
    this.path = path
  }
}

/** Another child is already registered under the name. */
export class NameTaken extends Error {
  override readonly name: string = 'NameTaken'
  readonly code: string = 'ERR_ACTOR_NAME_TAKEN'

  constructor(taken: string, by: string) {
    super(`the name ${JSON.stringify(taken)} is registered to ${by}`)
  }
}

/** A child threw a CancelledError or AbortError although no code had cancelled the child. */
export class UnexpectedCancellation extends Error {
  override readonly name: string = 'UnexpectedCancellation'
  readonly code: string = 'ERR_ACTOR_UNEXPECTED_CANCELLATION'

  constructor(cause: unknown) {
    super('the code threw a cancellation, but nobody had cancelled it', { cause })
  }
}

/** An actor that is linked to this actor ended abnormally. */
export class LinkDied extends Error {
  override readonly name: string = 'LinkDied'
  readonly code: string = 'ERR_ACTOR_LINK_DIED'
  readonly ref: { readonly path: string }
  readonly reason: ExitReason

  constructor(ref: { readonly path: string }, reason: ExitReason) {
    super(`linked to ${ref.path}, which died: ${formatReason(reason)}`, {
      cause: reason.kind === 'error' ? reason.error : undefined,
    })
    this.ref = ref
    this.reason = reason
  }
}

/** A child of kind `resource` has ended, because its process ended with an exit code other than 0. */
export class WorkerExit extends Error {
  override readonly name: string = 'WorkerExit'
  readonly code: number

  constructor(code: number) {
    super(`ended with exit code ${code}`)
    this.code = code
  }
}

/**
 * Code used `this.ctx` of an incarnation (one run of an actor, from a start or a restart to the next end) that had
 * ended. Such code still ran after a kill, or is a callback from before a restart.
 */
export class StaleIncarnation extends Error {
  override readonly name: string = 'StaleIncarnation'
  readonly code: string = 'ERR_ACTOR_STALE_INCARNATION'
  readonly path: string
  readonly incarnation: number

  constructor(path: string, incarnation: number) {
    super(`incarnation ${incarnation} of ${path} is over: its context cannot be used any more`)
    this.path = path
    this.incarnation = incarnation
  }
}

/**
 * A handler throws a ReplyError to fail the ask without a crash: the actor goes on. Any other error that a handler
 * throws is a crash, except an AskCycle. Extend this class for the failures that callers of your actor should expect.
 */
export class ReplyError extends Error {
  override readonly name: string = 'ReplyError'
  readonly code: string = 'ERR_ACTOR_REPLY'
}
