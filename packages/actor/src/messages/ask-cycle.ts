import type { Future } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { ActorChild } from '../actors/actor-child.ts'
import { AskFuture } from './ask.ts'
import { AskCycle } from '../errors.ts'
import { Admission } from './mailbox.ts'
import type { CallChain, Envelope } from './envelope.ts'

/**
 * Two ways to find an ask that can never be answered. The chain: a message knows the asks that led to
 * it, and so a target that waits further up is found before anything is sent. The graph: actors that
 * asked each other independently wait in a circle, which shows only when the last one has begun to wait;
 * so it is looked for in the turn after. A wait for several things at once (a race) is no certain
 * deadlock, and is left to the timeouts.
 */

/** The paths from `target` down the chain and back to it, when it is in the chain and serves nothing meanwhile. */
export function findInChain(chain: CallChain | null, target: ActorChild): string[] | null {
  const path = [target.path]
  for (let link = chain; link !== null; link = link.up) {
    path.unshift(link.incarnation.child.path)
    if (link.incarnation.child === target)
      return link.reentrant || link.incarnation.over ? null : path
  }
  return null
}

/** Whether the message came from an ask that `incarnation` made and during which it serves what comes back. */
export function isReentrant(envelope: Envelope, incarnation: ActorIncarnation): boolean {
  for (let link = envelope.chain; link !== null; link = link.up) {
    if (link.incarnation === incarnation && link.reentrant) return true
  }
  return false
}

/** In the turn after: when the waits from `edge` lead back to `asker`, `edge` fails with AskCycle. */
export function checkCircle(asker: ActorIncarnation, edge: AskFuture | Admission): void {
  asker.child.runtime.loop.callSoon(() => {
    if (edge.done() || soleWait(asker) !== edge) return
    if (edge instanceof Admission && edge.isWoken()) return
    const path = [asker.child.path]
    const seen = new Set<unknown>()
    let wait = edge
    for (;;) {
      path.push(wait.target.path)
      const incarnation = wait.target.incarnation
      if (incarnation === null || incarnation.current === null || seen.has(incarnation)) return
      if (incarnation.interleaves(wait.envelope.type) || isReentrant(wait.envelope, incarnation))
        return
      if (incarnation === asker) break
      seen.add(incarnation)
      const next = soleWait(incarnation)
      if (!(next instanceof AskFuture) && !(next instanceof Admission)) return
      if (next instanceof Admission && next.isWoken()) return
      wait = next
    }
    const error = new AskCycle(path)
    asker.child.runtime.log.warn(error.message)
    edge.target.withdraw(edge.envelope)
    if (edge instanceof AskFuture) edge.refuse(error)
    else edge.setException(error)
  })
}

/** What its handler waits for, when that is one thing. */
function soleWait(incarnation: ActorIncarnation): Future<unknown> | null {
  const { waitingOn } = incarnation.task
  return waitingOn.size === 1 ? (waitingOn.values().next().value ?? null) : null
}
