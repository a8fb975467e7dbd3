import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { CallChain, Envelope } from './envelope.ts'
import type { HandlerFlow } from './handler-flow.ts'

/**
 * Returns the call chain of a message that the handler of `flow` sends. The chain holds the reentrant asks (asks with
 * the option `reentrant`) that led to that handler and were not answered yet.
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
 * Returns whether the message in `envelope` was caused, directly or through other actors, by a reentrant ask (an ask
 * with the option `reentrant`) of a handler of `incarnation` that still waits for the answer.
 */
export function isReentrant(envelope: Envelope, incarnation: ActorIncarnation): boolean {
  for (let link = envelope.chain; link !== null; link = link.up) {
    const { ask } = link
    if (ask.asker?.incarnation === incarnation && !ask.asker.ended && !ask.done()) return true
  }
  return false
}
