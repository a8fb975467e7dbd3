import type { Future } from '@tasktree/core'
import type { ActorRun } from './actor-run.ts'
import type { ActorSlot } from './actor-slot.ts'
import { AskFuture } from './ask.ts'
import { AskCycle } from './errors.ts'
import { Admission } from './mailbox.ts'
import type { CallChain, Envelope } from './message.ts'

/**
 * Two ways to find an ask that can never be answered. The chain: a message knows the asks that led to
 * it, and so a target that waits further up is found before anything is sent. The graph: actors that
 * asked each other independently wait in a circle, which shows only when the last one has begun to wait;
 * so it is looked for in the turn after. A wait for several things at once (a race) is no certain
 * deadlock, and is left to the timeouts.
 */

/** The paths from `target` down the chain and back to it, when it is in the chain and serves nothing meanwhile. */
export function findInChain(chain: CallChain | null, target: ActorSlot): string[] | null {
  const path = [target.path]
  for (let link = chain; link !== null; link = link.up) {
    path.unshift(link.run.slot.path)
    if (link.run.slot === target) return link.reentrant || link.run.over ? null : path
  }
  return null
}

/** Whether the message came from an ask that `run` made and during which it serves what comes back. */
export function isReentrant(envelope: Envelope, run: ActorRun): boolean {
  for (let link = envelope.chain; link !== null; link = link.up) {
    if (link.run === run && link.reentrant) return true
  }
  return false
}

/** In the turn after: when the waits from `edge` lead back to `asker`, `edge` fails with AskCycle. */
export function checkCircle(asker: ActorRun, edge: AskFuture | Admission): void {
  asker.slot.home.loop.callSoon(() => {
    if (edge.done() || soleWait(asker) !== edge) return
    if (edge instanceof Admission && edge.isWoken()) return
    const path = [asker.slot.path]
    const seen = new Set<unknown>()
    let wait = edge
    for (;;) {
      path.push(wait.target.path)
      const run = wait.target.actorRun
      if (run === null || run.current === null || seen.has(run)) return
      if (run.interleaves(wait.envelope.type) || isReentrant(wait.envelope, run)) return
      if (run === asker) break
      seen.add(run)
      const next = soleWait(run)
      if (!(next instanceof AskFuture) && !(next instanceof Admission)) return
      if (next instanceof Admission && next.isWoken()) return
      wait = next
    }
    const error = new AskCycle(path)
    asker.slot.home.log.warn(error.message)
    edge.target.withdraw(edge.envelope)
    if (edge instanceof AskFuture) edge.refuse(error)
    else edge.setException(error)
  })
}

/** What its handler waits for, when that is one thing. */
function soleWait(run: ActorRun): Future<unknown> | null {
  const { waitingOn } = run.task
  return waitingOn.size === 1 ? (waitingOn.values().next().value ?? null) : null
}
