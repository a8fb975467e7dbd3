import { isCancelled } from '@tasktree/core'
import type { Hooks } from './actor.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ActorChild } from './actor-child.ts'
import { ActorCrashed, ActorStopped, ReplyError, UnexpectedCancellation } from '../errors.ts'
import { type ExitReason, formatThrown, killed, tame } from '../exit-reason.ts'
import { abandoned, isPromiseLike } from '../children/abandonable-wait.ts'
import type { Envelope, Message } from '../messages/envelope.ts'
import type { Decision } from '../children/incarnation.ts'

/** The handler threw: the asker hears of it, and the actor crashes unless that was an answer. Returns an end that came from outside. */
export function answerThrown(
  incarnation: ActorIncarnation,
  envelope: Envelope,
  thrown: unknown,
): ExitReason | null {
  const { child, task, endReason } = incarnation
  const { ask } = envelope
  const error = tame(thrown)
  if (error === abandoned || (endReason !== null && isCancelled(error))) {
    ask?.refuse(new ActorStopped(child.path, endReason ?? killed, true))
    return null
  }
  if (error instanceof ReplyError) {
    if (ask !== null) ask.replyError(error)
    else reportResumed(child, envelope, error)
    return null
  }
  const isCancellation = isCancelled(error) || isAbort(error)
  if (isCancellation && task.cancelling() > 0) {
    const end: ExitReason = { kind: 'shutdown', detail: { cancelled: error.message } }
    ask?.refuse(new ActorStopped(child.path, end, true))
    return end
  }
  const cause = isCancellation ? new UnexpectedCancellation(error) : error
  ask?.refuse(new ActorCrashed(child.path, cause, true))
  incarnation.crash(envelope, cause)
  return null
}

function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError'
}

/** What the spec's `decide` says about a failure; null when it says nothing, or throws itself. */
export function decide(child: ActorChild, cause: unknown): Decision | null {
  if (child.spec.decide === undefined) return null
  try {
    return child.spec.decide(cause)
  } catch (error) {
    child.runtime.log.error(`${child.path}: decide threw`, error)
    return null
  }
}

export function reportCrash(child: ActorChild, envelope: Envelope, cause: unknown): void {
  child.runtime.log.error(
    `${child.path} (incarnation ${child.number}) crashed in ${envelope.type}: ${formatThrown(cause)}`,
    cause,
  )
}

export function reportResumed(child: ActorChild, envelope: Envelope, error: unknown): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.warn(`${path} goes on after ${envelope.type} threw: ${formatThrown(error)}`)
  if (!runtime.observed) return
  runtime.emit({ type: 'resumed', path, id, incarnation, error, message: envelope.type })
}

/** Nobody else could run meanwhile. */
export function reportSlow(child: ActorChild, envelope: Envelope, ms: number): void {
  const { runtime, path, id, number: incarnation } = child
  runtime.log.warn(`${path} kept the thread for ${Math.round(ms)} ms in ${envelope.type}`)
  if (runtime.observed)
    runtime.emit({ type: 'slow', path, id, incarnation, message: envelope.type, ms })
}

/** The actor has ended for good, and hears what nobody will handle. */
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
    if (isPromiseLike(told)) told.then(undefined, report)
  } catch (error) {
    report(error)
  }
}
