import { type Future, Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import { AskCycle } from '../errors.ts'
import type { Envelope } from './envelope.ts'
import { HandlerFlow } from './handler-flow.ts'
import {
  type ActorWait,
  graphFrom,
  isActorWait,
  isRefusable,
  findLiveWaits,
  type Node,
  pathBetween,
  type RefusableWait,
  stuckNodes,
  type Waiter,
  type WaitGraph,
  withOnly,
} from './wait-graph.ts'

/**
 * The problem: handlers of several actors may wait for each other in a circle. They would wait for ever, or until their
 * asks time out.
 *
 * The idea: a graph of waits (`wait-graph.ts`). Its nodes are the running handlers and hooks, and the tasks and futures
 * that they wait for. A handler may wait for an ask, for room in a full mailbox, or for the start or the end of an
 * actor. Then an edge leads from this handler to the handler (for a start, the hook `onStart`) that must end first. For
 * a request to a supervisor, the edge leads to the task of the supervisor. While that task waits for the end of a
 * child, an edge leads from it to the handler or hook that the child runs, or else to the task of the child.
 *
 * A handler may wait for several futures at once, and this file cannot know whether the handler needs all of them
 * (`Promise.all`) or only one (`Promise.race`). So a handler counts as stuck only if each of its futures waits for
 * another stuck node. A handler that also waits for a timer, a lock or another future without an edge is not stuck,
 * because that future may let the handler continue.
 *
 * The check runs one turn of the event loop after a handler has begun to wait for a busy actor. It runs again when
 * another future that the handler waits for has ended. If the handler is stuck, the newest wait of the circle fails
 * with AskCycle; the other handlers can then continue. An ask that no handler awaits (for example because it was
 * cancelled) is not in the graph. An ask whose handler has called `ctx.reply()` has no edge, because any code may
 * answer it later.
 *
 * The graph does not contain the waits for native promises. So a `Promise.race` of an ask and a native promise looks
 * like a wait for the ask alone.
 *
 * A lost branch of `Promise.race` looks like a wait, although the handler has continued. So before an ask fails,
 * `bodyWaitsFor` of `@tasktree/core` asks V8 which of the futures the handlers really wait for. If V8 cannot tell, no
 * ask fails. A wrong AskCycle would break a correct program, but a circle that is not found ends when one of its asks
 * times out.
 */

let waitNumbers = 0

/**
 * Called when the code of `flow` (one run of a handler) begins to await `wait`. If another handler must end before
 * `wait` can end, checks in the next turn of the event loop whether that handler also waits for `flow`, directly or
 * through other handlers.
 */
export function noteWait(wait: ActorWait, flow: HandlerFlow): void {
  if (flow.ended) return
  wait.waitNumber = ++waitNumbers
  if (wait.blocker() !== null) checkCycleLater(flow)
}

const toCheck = new WeakSet<HandlerFlow>()

/**
 * Checks in the next turn of the event loop whether `flow` (one run of a handler) waits only for handlers that wait for
 * each other in a circle. If so, the newest wait of the circle fails with AskCycle. `isRetry` is true for the second
 * check, which follows if the first one found a handler that was about to continue.
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
  // `start` may be in a circle of handlers that wait for each other, but nothing fails now: some of these handlers also
  // wait for a timer or another future from outside of the circle, which may let them continue. When such a future has
  // ended, `start` is checked again.
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

/**
 * Maps a future to handlers. When the future is done, each of these handlers is checked again: it may now be in a
 * circle of handlers that wait for each other.
 */
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
 * Returns the HandlerFlow (one run of a handler) that must end before the sender of the message in `envelope` can
 * continue. If the handler of the message has begun, returns the HandlerFlow of this handler. If the message is in the
 * mailbox of `target`, or its sender waits for room there, returns the HandlerFlow of the handler that `target` runs
 * now. Returns null if no handler must end, for example because `target` is idle.
 */
export function blockerOfMessage(target: ActorChild, envelope: Envelope): HandlerFlow | null {
  const { incarnation } = target
  if (incarnation === null) return null
  const flow = incarnation.messageLoop.flowOf(envelope)
  // A handler that has called `ctx.reply()` holds a ReplyPort, with which any code may answer the ask. Then the sender
  // need not wait for the end of the handler.
  if (flow !== null) return flow.ended || flow.port !== null ? null : flow
  if (!target.mailbox.holds(envelope)) return null
  return incarnation.messageLoop.mayServe(envelope) ? null : incarnation.busyFlow
}

/**
 * Called when the handlers, tasks and futures in `suspects`, and the handler `start`, seem to wait only for each other.
 * Asks V8 for which futures their code really waits, because the graph also has waits that the code has given up (a
 * lost branch of `Promise.race`). If `start` really cannot continue, the newest wait of the circle fails with AskCycle.
 */
async function breakRealCircle(start: HandlerFlow, suspects: readonly Node[]): Promise<void> {
  const live = await findLiveWaits(suspects)
  if (start.ended) return
  // Other code may have run during the `await` above, so the graph of waits is built again. Waits that began during the
  // `await` are left out, because each of them causes a check of its own.
  const graph = withOnly(live, graphFrom(start))
  const stuck = stuckNodes(graph)
  if (stuck.has(start)) breakCircle(start, graph, stuck)
}

function breakCircle(start: HandlerFlow, graph: WaitGraph, stuck: Set<Waiter>): void {
  let newest: { from: Waiter; wait: RefusableWait; number: number; path: Waiter[] } | null = null
  for (const { waiter, edges } of graph.values()) {
    if (!stuck.has(waiter)) continue
    for (const { future, to } of edges) {
      if (!isRefusable(future)) continue
      // The wait with the highest number is made to fail. A request to a supervisor has no number, and counts as -1: it
      // is made to fail only if no other wait of the circle can be.
      const number = isActorWait(future) ? future.waitNumber : -1
      if (newest !== null && number < newest.number) continue
      const path = to === null ? null : pathBetween(to, waiter, graph)
      if (path !== null) newest = { from: waiter, wait: future, number, path }
    }
  }
  if (newest === null) return
  const handlers = newest.path.filter((waiter) => waiter instanceof HandlerFlow)
  const paths = handlers.map(({ incarnation }) => incarnation.child.path)
  if (paths.length === 0) {
    // In a circle without a handler, a child that is a task waits for a request to its supervisor, which waits for the
    // end of that task. The name of the task is the path of the child.
    paths.push(newest.path.findLast((waiter) => waiter instanceof Task)?.name ?? '')
  }
  newest.wait.refuse(new AskCycle([...paths, paths[0] as string]))
  // If the wait that failed was a wait of `start`, then `start` continues now. Otherwise `start` may still be in
  // another circle, so it is checked again.
  if (newest.from !== start) checkCycleLater(start)
}
