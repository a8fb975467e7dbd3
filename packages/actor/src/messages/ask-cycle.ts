import type { Future } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import { AskCycle } from '../errors.ts'
import type { Envelope } from './envelope.ts'
import { HandlerFlow } from './handler-flow.ts'
import {
  type ActorWait,
  graphFrom,
  isActorWait,
  findLiveWaits,
  type Node,
  pathBetween,
  stuckNodes,
  type Waiter,
  type WaitGraph,
  withOnly,
} from './wait-graph.ts'

/**
 * The problem: handlers of several actors may wait for each other in a circle. They would wait for ever, or until their
 * asks time out.
 *
 * The idea: a graph (`wait-graph.ts`). Its nodes are the running handlers, and the tasks that these handlers wait for.
 * A handler may wait for an ask, for room in a full mailbox, or for the start or the end of an actor. Then an edge
 * leads from it to the handler that must end first; for a start, this is the hook `onStart`. A request to a supervisor
 * waits for the task of the supervisor. A handler may wait for several futures at once, and no code can tell
 * `Promise.all` from `Promise.race`. So a handler is stuck only when all futures that it waits for are stuck. A timer, a
 * lock or any other future that the handler waits for may let the handler continue.
 *
 * The graph is checked one turn of the loop after a handler has begun to wait for a busy actor. It is checked again
 * when another future that the handler waits for has ended. If the handler is stuck, the newest wait of the circle
 * fails with AskCycle; the other waits then get their answers. An ask that no handler awaits (it was piped or
 * cancelled) is not in the graph. An ask whose answer is deferred blocks no handler, because any code may answer it.
 *
 * A wait for a native promise is not visible. So an open race between an ask and a native promise counts as a wait for
 * the ask alone.
 *
 * A lost branch of `Promise.race` looks like a wait, although the handler has continued. So before an ask fails, V8 is
 * asked for which of the futures the handlers really wait (`bodyWaitsFor` of `@tasktree/core`). If V8 cannot tell, no
 * ask fails. A wrong AskCycle would break a correct program, but a real circle that is not found ends by the timeout of
 * an ask.
 */

let waitNumbers = 0

/**
 * Records that code of `flow` (one run of a handler) has begun to await `wait`. If the awaited actor is busy, a check
 * for a circle follows.
 */
export function noteWait(wait: ActorWait, flow: HandlerFlow): void {
  if (flow.ended) return
  wait.waitNumber = ++waitNumbers
  if (wait.blocker() !== null) checkCycleLater(flow)
}

const toCheck = new WeakSet<HandlerFlow>()

/**
 * Checks in the next turn of the loop whether `flow` (one run of a handler) is stuck in a circle. If it is stuck, the
 * newest wait of the circle fails with AskCycle.
 */
export function checkCycleLater(flow: HandlerFlow, isRetry = false): void {
  if (toCheck.has(flow)) return
  toCheck.add(flow)
  flow.incarnation.child.runtime.loop.callSoon(() => {
    toCheck.delete(flow)
    if (!flow.ended) checkCycle(flow, isRetry)
  })
}

function checkCycle(start: HandlerFlow, isRetry: boolean): void {
  const graph = graphFrom(start)
  if (!isRetry && [...graph.values()].some((node) => node.isResuming)) {
    checkCycleLater(start, true)
    return
  }
  const stuck = stuckNodes(graph)
  if (stuck.has(start)) {
    void breakRealCircle(
      start,
      [...stuck].map((waiter) => graph.get(waiter) as Node),
    )
    return
  }
  // The handler `start` is not stuck, but it may be in a circle in which some nodes also wait for futures outside of
  // the circle. When such a future is done, the circle is checked again.
  const members = new Set<Waiter | null>(
    [...graph.keys()].filter(
      (waiter) =>
        pathBetween(start, waiter, graph) !== null && pathBetween(waiter, start, graph) !== null,
    ),
  )
  for (const { waiter, edges, others } of graph.values()) {
    if (!members.has(waiter)) continue
    for (const { future, to } of edges) if (!members.has(to)) watch(future, start)
    for (const other of others) watch(other, start)
  }
}

/** Maps a future to handlers. When the future is done, these handlers are checked again for a circle. */
const watched = new WeakMap<Future<unknown>, Set<HandlerFlow>>()

function watch(future: Future<unknown>, flow: HandlerFlow): void {
  const flows = watched.get(future)
  if (flows !== undefined) {
    flows.add(flow)
    return
  }
  const watching = new Set([flow])
  watched.set(future, watching)
  observe(future, () => {
    watched.delete(future)
    for (const each of watching) if (!each.ended) checkCycleLater(each)
  })
}

/**
 * Returns the handler that must end before the message in `envelope` can be answered, or can enter the mailbox of
 * `target`. Returns null if no handler must end.
 */
export function blockerOfMessage(target: ActorChild, envelope: Envelope): HandlerFlow | null {
  const { incarnation } = target
  if (incarnation === null) return null
  const flow = incarnation.handlers.flowOf(envelope)
  // If the handler took a ReplyPort, any code may answer the ask, so the end of the handler is not awaited.
  if (flow !== null) return flow.ended || flow.port !== null ? null : flow
  if (!target.mailbox.holds(envelope)) return null
  return incarnation.handlers.mayServe(envelope) ? null : incarnation.busyFlow
}

/**
 * Called when `start` seems to be stuck, together with the nodes `suspects`. Finds out whether the code of these nodes
 * really waits. If `start` is then still stuck, the newest wait of a circle fails.
 */
async function breakRealCircle(start: HandlerFlow, suspects: readonly Node[]): Promise<void> {
  const live = await findLiveWaits(suspects)
  if (start.ended) return
  // Other code may have run during the `await`, so the graph is built again. Waits that began during the `await` are
  // left out, because each of them causes a check of its own.
  const graph = withOnly(live, graphFrom(start))
  const stuck = stuckNodes(graph)
  if (stuck.has(start)) breakCircle(start, graph, stuck)
}

function breakCircle(start: HandlerFlow, graph: WaitGraph, stuck: Set<Waiter>): void {
  let newest: { from: Waiter; wait: ActorWait; path: Waiter[] } | null = null
  for (const { waiter, edges } of graph.values()) {
    if (!stuck.has(waiter)) continue
    for (const { future, to } of edges) {
      if (!isActorWait(future)) continue
      if (newest !== null && future.waitNumber < newest.wait.waitNumber) continue
      const path = to === null ? null : pathBetween(to, waiter, graph)
      if (path !== null) newest = { from: waiter, wait: future, path }
    }
  }
  if (newest === null) return
  const handlers = newest.path.filter((waiter) => waiter instanceof HandlerFlow)
  const paths = [...handlers, handlers[0] as HandlerFlow].map(
    ({ incarnation }) => incarnation.child.path,
  )
  newest.wait.refuse(new AskCycle(paths))
  // The handler `start` may be part of another circle too, so it is checked again.
  if (newest.from !== start) checkCycleLater(start)
}
