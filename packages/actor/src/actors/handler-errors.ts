import { isCancelled } from '@tasktree/core'
import {
  ActorCrashed,
  ActorStopped,
  AskCycle,
  isAbort,
  ReplyError,
  UnexpectedCancellation,
} from '../errors.ts'
import { type ExitReason, formatThrown, tame } from '../exit-reason.ts'
import { endedWhileHandling } from '../messages/deferred-replies.ts'
import type { Envelope } from '../messages/envelope.ts'
import type { HandlerFlow } from '../messages/handler-flow.ts'
import type { ActorChild } from './actor-child.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * Called when a handler has thrown `thrown`. Returns an object with the error if the actor must now crash. Returns null
 * if the actor must not crash. If the message is an ask, the ask fails for its sender. But if the actor ends and the
 * handler has called `ctx.reply()`, the ask does not fail here: the handler may have given the ReplyPort to another
 * actor, which can still answer the ask. If not, the ask fails when this actor ends.
 *
 * A ReplyError is an answer and not a crash. An AskCycle, the error when handlers wait for each other's answers in a
 * circle, is not a crash either. Otherwise it would crash each actor of the circle in turn.
 */
export function answerThrown(
  incarnation: ActorIncarnation,
  flow: HandlerFlow,
  thrown: unknown,
): { readonly error: unknown } | null {
  const { child, endReason } = incarnation
  const { envelope } = flow
  const { ask } = envelope
  // If `flow.stashed` is true, the handler had called `ctx.stash()`. A message whose handler has thrown is not handled
  // again, so it is removed from the stash or, after `ctx.unstashAll()`, from the mailbox.
  if (flow.stashed) child.withdraw(envelope)
  const error = tame(thrown)
  const isCancellation = isCancelled(error) || isAbort(error)
  // An AbortError is the error of a library that was given the signal of the handler, if a cancel has reached the
  // handler. Otherwise the handler has failed with the AbortError while the actor was waiting for the handler to end.
  if (endReason !== null && isCancellation && (isCancelled(error) || flow.task.cancelling() > 0)) {
    if (flow.port === null) ask?.refuse(endedWhileHandling(child.path, endReason))
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
  if (isCancellation && flow.task === incarnation.task && flow.task.cancelling() > 0) {
    const end: ExitReason = { kind: 'shutdown', detail: { cancelled: error.message } }
    if (flow.port === null) ask?.refuse(new ActorStopped(child.path, end, true))
    incarnation.end(end)
    return null
  }
  const cause = isCancellation ? new UnexpectedCancellation(error) : error
  if (flow.port === null) ask?.refuse(new ActorCrashed(child.path, cause))
  return { error: cause }
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

/**
 * Called when a handler has thrown although its actor was already ending, for example because another handler had
 * crashed. `error` does not become the reason of the end, because the actor already has a reason. So `error` would be
 * lost if this function did not log it.
 */
export function reportLateCrash(child: ActorChild, envelope: Envelope, error: unknown): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.report(
    'error',
    `${path} crashed in ${envelope.type} while it was ending: ${formatThrown(error)}`,
    { event: 'crashed', path, id, incarnation, during: envelope.type },
    error,
  )
}
