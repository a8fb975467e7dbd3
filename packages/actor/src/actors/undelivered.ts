import { isThenable } from '@tasktree/core/lowlevel'
import type { Message } from '../messages/envelope.ts'
import type { Hooks } from './actor.ts'
import type { ActorChild } from './actor-child.ts'

/**
 * Calls the hook `onUndelivered` of an actor that has ended for good, if the actor has this hook. `messages` are the
 * tells that the actor did not handle.
 */
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
