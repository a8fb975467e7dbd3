import { isCancelled } from '@tasktree/core'
import { isThenable } from '@tasktree/core/lowlevel'
import type { Decision } from '../children/incarnation.ts'
import {
  ActorCrashed,
  ActorStopped,
  AskCycle,
  ReplyError,
  UnexpectedCancellation,
} from '../errors.ts'
import { type ExitReason, formatThrown, killed, tame } from '../exit-reason.ts'
import type { Envelope, Message } from '../messages/envelope.ts'
import type { HandlerFlow } from '../messages/handler-flow.ts'
import type { Hooks } from './actor.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * A handler threw: fails the ask. Returns the crash, or null when the actor goes on, or ends for another reason.
 *
 * A ReplyError is an answer. So is an AskCycle, because it was found before anything was done, and would otherwise bring
 * down each actor of the circle in turn.
 */
export function answerThrown(
  incarnation: ActorIncarnation,
  flow: HandlerFlow,
  thrown: unknown,
): { readonly error: unknown } | null {
  const { child, endReason } = incarnation
  const { envelope } = flow
  const { ask } = envelope
  if (flow.stashed) incarnation.forgetStashed(envelope)
  const error = tame(thrown)
  if (endReason !== null && isCancelled(error)) {
    ask?.refuse(new ActorStopped(child.path, endReason ?? killed, true))
    return null
  }
  if (error instanceof ReplyError || error instanceof AskCycle) {
    const answer =
      error instanceof AskCycle
        ? new AskCycle(error.path, { cause: error, message: error.message })
        : error
    if (ask !== null) ask.replyError(answer)
    else reportResumed(child, envelope, error)
    return null
  }
  const isCancellation = isCancelled(error) || isAbort(error)
  if (isCancellation && flow.task === incarnation.task && flow.task.cancelling() > 0) {
    const end: ExitReason = { kind: 'shutdown', detail: { cancelled: error.message } }
    ask?.refuse(new ActorStopped(child.path, end, true))
    incarnation.end(end)
    return null
  }
  const cause = isCancellation ? new UnexpectedCancellation(error) : error
  // A deferred answer may have been handed over to another actor; if not, the end of this one fails it.
  if (flow.port === null) ask?.refuse(new ActorCrashed(child.path, cause, true))
  return { error: cause }
}

function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError'
}

/** What the spec's `decide` says about a crash; null when there is no `decide`, or when it throws itself. */
export function decide(child: ActorChild, cause: unknown): Decision | null {
  if (child.spec.decide === undefined) return null
  try {
    return child.spec.decide(cause)
  } catch (error) {
    child.runtime.log.error(`${child.path}: decide threw`, error)
    return null
  }
}

export function reportResumed(child: ActorChild, envelope: Envelope, error: unknown): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.report(
    'warn',
    `${path} goes on after ${envelope.type} threw: ${formatThrown(error)}`,
    { event: 'resumed', path, id, incarnation, message: envelope.type },
    error instanceof ReplyError ? undefined : error,
  )
  if (!runtime.observed) return
  runtime.emit({ type: 'resumed', path, id, incarnation, error, message: envelope.type })
}

/** The handler kept the thread: nothing else could run meanwhile. */
export function reportSlow(child: ActorChild, envelope: Envelope, ms: number): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.report(
    'warn',
    `${path} kept the thread for ${Math.round(ms)} ms in ${envelope.type}`,
    { event: 'slow', path, id, incarnation, message: envelope.type, ms },
  )
  if (!runtime.observed) return
  runtime.emit({ type: 'slow', path, id, incarnation, message: envelope.type, ms })
}

/** The actor has ended for good: calls its `onUndelivered` with the tells that it has not handled. */
export function tellUndelivered(
  child: ActorChild,
  hooks: Hooks | null,
  messages: readonly Message[],
): void {
  if (hooks?.onUndelivered === undefined) return
  const report = (error: unknown): void => {
    child.runtime.log.error(`${child.path}: onUndelivered threw`, error)
  }
  try {
    const told = hooks.onUndelivered(messages)
    if (isThenable(told)) told.then(undefined, report)
  } catch (error) {
    report(error)
  }
}

/** A handler threw while its actor was ending for another reason: the crash changes nothing. */
export function reportLateCrash(child: ActorChild, envelope: Envelope, error: unknown): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.report(
    'error',
    `${path} crashed in ${envelope.type} while it was ending: ${formatThrown(error)}`,
    { event: 'crashed', path, id, incarnation, during: envelope.type },
    error,
  )
}
