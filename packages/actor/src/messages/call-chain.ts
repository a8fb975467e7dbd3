import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
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

function pruned(chain: CallChain | null): CallChain | null {
  if (chain === null) return null
  const up = pruned(chain.up)
  if (chain.ask.done()) return up
  return up === chain.up ? chain : { ask: chain.ask, up }
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
