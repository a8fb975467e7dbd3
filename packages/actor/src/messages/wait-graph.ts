import { type Future, Task } from '@tasktree/core'
import { bodyWaitsFor, type WaitDetails, waitDetails } from '@tasktree/core/lowlevel'
import type { AskCycle } from '../errors.ts'
import { HandlerFlow } from './handler-flow.ts'

/**
 * This file builds a graph of the waits of handlers. `ask-cycle.ts` looks in the graph for handlers that wait for each
 * other in a circle.
 *
 * A node of the graph is an object that may wait for others: a handler or hook, a task, or a future that ends only after
 * several other futures (`gather`, the tasks of a group). From each node an edge leads to
 * each node that this node waits for. The graph is built for one check, from the waits of that moment, and is then
 * thrown away.
 */
export type Waiter = HandlerFlow | Future<unknown>

/**
 * A future that ends only after a handler, hook, task or other future has ended: for example, the wait of a supervisor
 * for the end of a child.
 */
export interface BlockedWait extends Future<unknown> {
  /**
   * Returns the handler, task or future that must end before this future can end; for an ask, the handler that must end
   * before the answer can come. Returns null if there is none.
   */
  blocker(): Waiter | null
}

/** A future that can be made to fail when handlers wait for each other in a circle. */
export interface RefusableWait extends Future<unknown> {
  /** Makes this future fail with `error`, so that the handlers that wait for each other in a circle can continue. */
  refuse(error: AskCycle): void
}

/**
 * A future that ends only after a handler, hook or task has ended, and that another handler may await: an ask, a tell
 * to a full mailbox, or the wait for the start or the end of a child.
 */
export interface ActorWait extends BlockedWait, RefusableWait {
  /**
   * The HandlerFlow (one run of a handler or hook) whose code made this future; null if other code made the future.
   */
  readonly asker: HandlerFlow | null
  /**
   * The number of this wait: all waits of handlers are numbered in the order in which they began. When handlers wait
   * for each other in a circle, the wait with the highest number fails. 0 until a handler awaits this future, and always 0
   * for the wait for a start.
   */
  waitNumber: number
}

export function isActorWait(future: Future<unknown>): future is ActorWait {
  return 'waitNumber' in future
}

function isBlockedWait(future: Future<unknown>): future is BlockedWait {
  return 'blocker' in future
}

export function isRefusable(future: Future<unknown>): future is RefusableWait {
  return 'refuse' in future
}

interface Edge {
  /** The future that the handler, task or future at the start of this edge waits for. */
  readonly future: Future<unknown>
  /** The handler, task or future that must end before `future` can end; null if none is known. */
  readonly to: Waiter | null
}

export interface Node {
  readonly waiter: Waiter
  readonly edges: Edge[]
  /**
   * The futures that `waiter` waits for and that are not in `edges`, because they do not depend on another handler or
   * task: timers and locks, for example.
   */
  readonly others: Future<unknown>[]
  /** True if `waiter` is about to continue: a future that it awaited is done, but its code has not run again yet. */
  isResuming: boolean
}

export type WaitGraph = ReadonlyMap<Waiter, Node>

/**
 * Builds the graph of all handlers, tasks and futures that `start` waits for, directly or through each other. `start`
 * itself is in the graph too.
 */
export function graphFrom(start: HandlerFlow): WaitGraph {
  const nodes = new Map<Waiter, Node>()
  const pending: Waiter[] = [start]
  for (let waiter = pending.pop(); waiter !== undefined; waiter = pending.pop()) {
    if (nodes.has(waiter)) continue
    const node = makeNode(waiter)
    nodes.set(waiter, node)
    for (const { to } of node.edges) if (to !== null) pending.push(to)
  }
  return nodes
}

function makeNode(waiter: Waiter): Node {
  const node: Node = { waiter, edges: [], others: [], isResuming: false }
  for (const future of waitsOf(waiter)) {
    if (future.done()) node.isResuming ||= waiter instanceof HandlerFlow || waiter instanceof Task
    else if (isActorWait(future)) {
      // A HandlerFlow gets an edge only for its own futures. Several handlers of one actor may run in one task, and
      // then `waitsOf` also returns the futures of the other handlers.
      if (waiter instanceof HandlerFlow && future.asker !== waiter) continue
      node.edges.push({ future, to: future.blocker() })
    } else if (isBlockedWait(future)) node.edges.push({ future, to: future.blocker() })
    else if (future instanceof Task || partsOf(future) !== null)
      node.edges.push({ future, to: future })
    else node.others.push(future)
  }
  return node
}

function waitsOf(waiter: Waiter): Iterable<Future<unknown>> {
  if (waiter instanceof HandlerFlow) return waiter.task.waitingOn
  return waiter instanceof Task ? waiter.waitingOn : (partsOf(waiter) ?? [])
}

function partsOf(future: Future<unknown>): Iterable<Future<unknown>> | null {
  return (future as { [waitDetails]?(): WaitDetails })[waitDetails]?.().parts ?? null
}

/**
 * Returns the largest set of nodes (handlers, tasks and futures) in which each node waits only for futures that cannot
 * end before a node of the set has ended. So no node of the set can ever continue: the nodes are stuck.
 */
export function stuckNodes(graph: WaitGraph): Set<Waiter> {
  const stuck = new Set<Waiter>()
  for (const { waiter, edges, others, isResuming } of graph.values()) {
    if (edges.length > 0 && others.length === 0 && !isResuming) stuck.add(waiter)
  }
  for (let before = -1; before !== stuck.size;) {
    before = stuck.size
    for (const waiter of stuck) {
      const { edges } = graph.get(waiter) as Node
      if (edges.some(({ to }) => to === null || !stuck.has(to))) stuck.delete(waiter)
    }
  }
  return stuck
}

/**
 * Maps each handler, task or future to the futures that it really waits for. The graph may also contain waits that the
 * waiting code has given up.
 */
export type LiveWaits = ReadonlyMap<Waiter, ReadonlySet<Future<unknown>>>

/**
 * Finds out for which futures the handlers and tasks in `nodes` really wait. A node also has edges for futures that its
 * code no longer awaits, such as a lost branch of `Promise.race`, or a call that no code awaits. `bodyWaitsFor` of
 * `@tasktree/core` detects such futures. It takes a stack trace for each future, so `findLiveWaits` is called only when
 * the graph of waits already shows a circle.
 */
export async function findLiveWaits(nodes: Iterable<Node>): Promise<LiveWaits> {
  const live = new Map<Waiter, Set<Future<unknown>>>()
  const answers: Promise<void>[] = []
  for (const { waiter, edges } of nodes) {
    const futures = new Set<Future<unknown>>()
    live.set(waiter, futures)
    for (const { future } of edges) {
      answers.push(
        isAwaited(waiter, future).then((isLive) => {
          if (isLive) futures.add(future)
        }),
      )
    }
  }
  await Promise.all(answers)
  return live
}

/**
 * Returns a copy of `graph` without the edges of waits that are not in `live`, because the waiting code has given them
 * up.
 */
export function withOnly(live: LiveWaits, graph: WaitGraph): WaitGraph {
  const nodes = new Map<Waiter, Node>()
  for (const [waiter, node] of graph) {
    const edges = node.edges.filter(({ future }) => live.get(waiter)?.has(future) === true)
    nodes.set(waiter, { ...node, edges })
  }
  return nodes
}

function isAwaited(waiter: Waiter, future: Future<unknown>): Promise<boolean> {
  if (waiter instanceof HandlerFlow) {
    return bodyWaitsFor(waiter.task, future, waiter.settled ?? undefined)
  }
  return waiter instanceof Task ? bodyWaitsFor(waiter, future) : Promise.resolve(true)
}

/**
 * Returns a shortest path from `from` to `to` along the edges of `graph`, including both ends. Returns null when there
 * is no path.
 */
export function pathBetween(from: Waiter, to: Waiter, graph: WaitGraph): Waiter[] | null {
  const cameFrom = new Map<Waiter, Waiter | null>([[from, null]])
  // `cameFrom` also serves as a queue: a Map is iterated in the order of insertion, and this loop also reaches the
  // entries that are added while it runs.
  for (const [waiter] of cameFrom) {
    if (waiter === to) return trace(waiter, cameFrom)
    for (const { to: next } of graph.get(waiter)?.edges ?? []) {
      if (next !== null && !cameFrom.has(next)) cameFrom.set(next, waiter)
    }
  }
  return null
}

function trace(end: Waiter, cameFrom: Map<Waiter, Waiter | null>): Waiter[] {
  const path: Waiter[] = []
  for (let each: Waiter | null = end; each !== null; each = cameFrom.get(each) ?? null) {
    path.unshift(each)
  }
  return path
}
