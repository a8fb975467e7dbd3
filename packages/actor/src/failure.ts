import { isCancelled } from '@tasktree/core'
import type { Hooks } from './actor.ts'
import type { ActorRun } from './actor-run.ts'
import type { ActorSlot } from './actor-slot.ts'
import { ActorCrashed, ActorStopped, ReplyError, UnexpectedCancellation } from './errors.ts'
import { type ExitReason, formatThrown, killed, tame } from './exit-reason.ts'
import { abandoned, isPromiseLike } from './handling.ts'
import type { Envelope, Message } from './message.ts'
import type { Decision } from './run.ts'

/** The handler threw: the asker hears of it, and the actor crashes unless that was an answer. Returns an end that came from outside. */
export function answerThrown(
  run: ActorRun,
  envelope: Envelope,
  thrown: unknown,
): ExitReason | null {
  const { slot, task, endReason } = run
  const { ask } = envelope
  const error = tame(thrown)
  if (error === abandoned || (endReason !== null && isCancelled(error))) {
    ask?.refuse(new ActorStopped(slot.path, endReason ?? killed, true))
    return null
  }
  if (error instanceof ReplyError) {
    if (ask !== null) ask.replyError(error)
    else reportResumed(slot, envelope, error)
    return null
  }
  const isCancellation = isCancelled(error) || isAbort(error)
  if (isCancellation && task.cancelling() > 0) {
    const end: ExitReason = { kind: 'shutdown', detail: { cancelled: error.message } }
    ask?.refuse(new ActorStopped(slot.path, end, true))
    return end
  }
  const cause = isCancellation ? new UnexpectedCancellation(error) : error
  ask?.refuse(new ActorCrashed(slot.path, cause, true))
  run.crash(envelope, cause)
  return null
}

function isAbort(error: unknown): error is Error {
  return error instanceof Error && error.name === 'AbortError'
}

/** What the spec's `decide` says about a failure; null when it says nothing, or throws itself. */
export function decide(slot: ActorSlot, cause: unknown): Decision | null {
  if (slot.spec.decide === undefined) return null
  try {
    return slot.spec.decide(cause)
  } catch (error) {
    slot.home.log.error(`${slot.path}: decide threw`, error)
    return null
  }
}

export function reportCrash(slot: ActorSlot, envelope: Envelope, cause: unknown): void {
  slot.home.log.error(
    `${slot.path} (incarnation ${slot.number}) crashed in ${envelope.type}: ${formatThrown(cause)}`,
    cause,
  )
}

export function reportResumed(slot: ActorSlot, envelope: Envelope, error: unknown): void {
  const { home, path, id, number: incarnation } = slot
  home.log.warn(`${path} goes on after ${envelope.type} threw: ${formatThrown(error)}`)
  if (!home.observed) return
  home.emit({ type: 'resumed', path, id, incarnation, error, message: envelope.type })
}

/** Nobody else could run meanwhile. */
export function reportSlow(slot: ActorSlot, envelope: Envelope, ms: number): void {
  const { home, path, id, number: incarnation } = slot
  home.log.warn(`${path} kept the thread for ${Math.round(ms)} ms in ${envelope.type}`)
  if (home.observed) home.emit({ type: 'slow', path, id, incarnation, message: envelope.type, ms })
}

/** The actor has ended for good, and hears what nobody will handle. */
export function tellUndelivered(
  slot: ActorSlot,
  hooks: Hooks | null,
  messages: readonly Message[],
): void {
  if (hooks?.onUndelivered === undefined) return
  const report = (error: unknown): void => {
    slot.home.log.error(`${slot.path}: onUndelivered threw`, error)
  }
  try {
    const told = hooks.onUndelivered(messages)
    if (isPromiseLike(told)) told.then(undefined, report)
  } catch (error) {
    report(error)
  }
}
