import type { ExitReason } from './exit-reason.ts'
import { formatReason, formatThrown } from './exit-reason.ts'

/**
 * The child at `path` does not run. During a restart of the child, an ask waits, but calls that need a running child,
 * such as `ctx.link` or `startChild` of a SupervisorRef, fail with NoProc. If the ref is pinned to one incarnation
 * (reaches only one run of the child), that incarnation has ended. A start that is stopped or killed may fail with
 * NoProc too.
 */
export class NoProc extends Error {
  override readonly name: string = 'NoProc'
  readonly code: string = 'ERR_ACTOR_NO_PROC'
  readonly path: string

  constructor(path: string) {
    super(`no running actor at ${path}: it has stopped, or was never started`)
    this.path = path
  }
}

/**
 * An ask or a request of `sys` failed, because the actor ended before it replied. The start of an actor usually fails
 * with this error if the actor is stopped or killed while it starts.
 */
export class ActorStopped extends Error {
  override readonly name: string = 'ActorStopped'
  readonly code: string = 'ERR_ACTOR_STOPPED'
  readonly path: string
  readonly reason: ExitReason
  /**
   * True if the handler of the message had begun. If false, the handler never ran, or it has only stashed the message,
   * so it is safe to send the message again.
   */
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
 * An ask failed, because the asked actor crashed after the handler of the message had begun, so `delivered` is true.
 * `cause` is the error of the crash. The message is not handled again.
 */
export class ActorCrashed extends ActorStopped {
  override readonly name: string = 'ActorCrashed'
  override readonly code: string = 'ERR_ACTOR_CRASHED'

  constructor(path: string, cause: unknown) {
    super(path, { kind: 'error', error: cause }, true, { cause })
  }
}

/**
 * An ask failed, because the asked actor was restarted, and its mailbox option `onRestart: 'drop'` dropped the message
 * before the handler began. It is safe to send the message again.
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

/**
 * An ask failed, because no reply came within its timeout. The handler may still run. A reply that comes later is
 * dropped.
 */
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
 * An ask failed, because it could never be answered: the asked actor waits for the asking actor, directly or through
 * other actors. A tell to a full mailbox, a wait for the start or the end of a child, and a request to a supervisor can
 * fail for the same reason.
 */
export class AskCycle extends Error {
  override readonly name: string = 'AskCycle'
  readonly code: string = 'ERR_ACTOR_ASK_CYCLE'
  /**
   * The paths of the actors that wait for each other. Each actor waits for the next one. The first path comes again at
   * the end.
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

/**
 * An ask failed, because the mailbox of the asked actor was full, and the option `overflow` of the mailbox does not
 * make the sender wait.
 */
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

/** A handler called `ctx.stash()` to put its message aside, but the stash already held as many messages as it can. */
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

/**
 * A supervisor ended with this error, because its children needed more restarts than it allows. `cause` is the last
 * failure.
 */
export class RestartLimitError extends Error {
  override readonly name: string = 'RestartLimitError'
  readonly code: string = 'ERR_ACTOR_RESTART_LIMIT'
  /** The path of the child that failed last. */
  readonly child: string
  /** How many restarts the supervisor allows: its `maxRestarts`, or `backoff.maxAttempts` if that limit was reached. */
  readonly restarts: number

  constructor(child: string, restarts: number, cause: unknown) {
    super(
      `${child} ended again, and its supervisor allows no more than ${restarts} restarts: ${formatThrown(cause)}`,
      { cause },
    )
    this.child = child
    this.restarts = restarts
  }
}

/**
 * A supervisor did not start, because one of the children in its options did not start; `cause` is the reason.
 * Everything that the start had begun has been undone.
 */
export class FailedToStart extends Error {
  override readonly name: string = 'FailedToStart'
  readonly code: string = 'ERR_ACTOR_FAILED_TO_START'
  readonly childId: string

  constructor(childId: string, cause: unknown) {
    super(`child ${JSON.stringify(childId)} failed to start: ${formatThrown(cause)}`, { cause })
    this.childId = childId
  }
}

/** A child was not started, because a child with the same id is running or is being started. */
export class AlreadyStarted extends Error {
  override readonly name: string = 'AlreadyStarted'
  readonly code: string = 'ERR_ACTOR_ALREADY_STARTED'
  readonly ref: unknown

  constructor(id: string, ref: unknown) {
    super(`child ${JSON.stringify(id)} is already started`)
    this.ref = ref
  }
}

/**
 * A child was not started, because a child with the same id exists, although it does not run. Call `restartChild` to
 * start that child again, or `deleteChild` to remove it.
 */
export class AlreadyPresent extends Error {
  override readonly name: string = 'AlreadyPresent'
  readonly code: string = 'ERR_ACTOR_ALREADY_PRESENT'
  readonly childId: string

  constructor(id: string) {
    super(`child ${JSON.stringify(id)} exists and does not run: use restartChild or deleteChild`)
    this.childId = id
  }
}

/** A request to a supervisor, such as `restartChild`, is not possible in the current state of the child. */
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

/**
 * A child was not started, because its dynamic supervisor already has as many children as the option `maxChildren`
 * allows.
 */
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

/** A supervisor refused a request, because it is stopping or has stopped. */
export class SupervisorStopping extends Error {
  override readonly name: string = 'SupervisorStopping'
  readonly code: string = 'ERR_ACTOR_SUPERVISOR_STOPPING'
  readonly path: string

  constructor(path: string) {
    super(`${path} is stopping: it takes no more requests`)
    this.path = path
  }
}

/** A child was not registered under a name, because another child has this name. */
export class NameTaken extends Error {
  override readonly name: string = 'NameTaken'
  readonly code: string = 'ERR_ACTOR_NAME_TAKEN'

  constructor(taken: string, by: string) {
    super(`the name ${JSON.stringify(taken)} is registered to ${by}`)
  }
}

/** Whether `error` is an AbortError, with which an API ends its work when its AbortSignal aborts. */
export function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError'
}

/** A child threw a CancelledError or AbortError although no code had cancelled the child. */
export class UnexpectedCancellation extends Error {
  override readonly name: string = 'UnexpectedCancellation'
  readonly code: string = 'ERR_ACTOR_UNEXPECTED_CANCELLATION'

  constructor(cause: unknown) {
    super('the code threw a cancellation, but nobody had cancelled it', { cause })
  }
}

/** The error with which an actor ends because another actor, which is linked to it, has crashed or was killed. */
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

/**
 * The error with which a child of kind `resource` ends when the resource, such as a process, has ended with an exit
 * code other than 0. The exit code is the result of the function in the option `ended`, or else of the resource's
 * method `wait`.
 */
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
 * ended. Usually, such code still ran after a kill, or is a callback from before a restart.
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
 * An error that a handler throws to make the ask fail without a crash of the actor. Any other error that a handler
 * throws is a crash, except an AskCycle, and the CancelledError by which a handler is stopped. Extend this class for
 * the failures that callers of your actor should expect.
 */
export class ReplyError extends Error {
  override readonly name: string = 'ReplyError'
  readonly code: string = 'ERR_ACTOR_REPLY'
}
