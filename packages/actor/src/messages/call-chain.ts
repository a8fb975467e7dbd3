import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { AskFuture } from './ask.ts'
import type { CallChain, Envelope } from './envelope.ts'
import type { HandlerFlow } from './handler-flow.ts'

/**
 * Returns the call chain for a message that the handler of `flow` (one run of a handler) sends. A call chain is the
 * list of the reentrant asks (asks with the option `reentrant`) that led to the handler and were not answered yet.
 * Returns null if the list is empty.
 */
export function chainFrom(flow: HandlerFlow): CallChain | null {
  return pruned(flow.envelope.chain)
}

/** Returns `chain` without the asks that have ended. A recursive function would overflow the stack for a long chain. */
function pruned(chain: CallChain | null): CallChain | null {
  let rest = chain
  for (let link = chain; link !== null; link = link.up) if (link.ask.done()) rest = link.up
  if (rest === chain) return chain
  const live: AskFuture[] = []
  for (let link = chain; link !== rest && link !== null; link = link.up) {
    if (!link.ask.done()) live.push(link.ask)
  }
  return live.reduceRight<CallChain | null>((up, ask) => ({ ask, up }), rest)
}

/**
 * Returns true if the message in `envelope` was caused, directly or through other actors, by a reentrant ask (an ask
 * with the option `reentrant`) that a handler of `incarnation` made, and if that handler still waits for the answer.
 * The actor may then handle the message before that handler has ended.
 */
export function isReentrant(envelope: Envelope, incarnation: ActorIncarnation): boolean {
  for (let link = envelope.chain; link !== null; link = link.up) {
    const { ask } = link
    if (ask.asker?.incarnation === incarnation && !ask.asker.ended && !ask.done()) return true
  }
  return false
}
