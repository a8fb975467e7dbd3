import type { Future } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import { AskCycle } from '../errors.ts'
import type { CallChain, Envelope } from './envelope.ts'
import type { HandlerFlow } from './handler-flow.ts'

/**
 * The problem: handlers that wait for each other's actors in a circle wait for ever, or until their asks time out.
 *
 * The idea: a graph. Its nodes are the handlers that run. From a handler that waits for an ask (or for room in a full
 * mailbox, or for the end of an actor) an edge leads to the handler that must end first. A handler may wait for several
 * things at once, and no code can tell `Promise.all` from `Promise.race`; so a handler is stuck only when everything it
 * waits for is stuck. A timer, a lock or any other future that the handler waits for may let the handler continue. A
 * wait for a native promise is not visible to this check: a handler without any visible wait counts as running.
 *
 * The graph is checked one turn of the loop after a handler has begun to wait for a busy actor, and again when another
 * future that the handler waits for has ended. If the handler is stuck, the newest wait of the circle fails with
 * AskCycle; the others then get their answers. An ask is not an edge while no handler awaits it (it was piped or
 * cancelled, or its answer is deferred).
 */
export interface Edge extends Future<unknown> {
  /** The handler that made this ask or wait; null when other code did. */
  readonly asker: HandlerFlow | null
  /** Orders the waits of all handlers by the time at which they began. 0 while no handler awaits this future. */
  waitNumber: number
  /** Returns the handler that must end before this future can be done; null when there is no such handler. */
  blocker(): HandlerFlow | null
  /** Makes this future fail with `error`. */
  refuse(error: AskCycle): void
}

function isEdge(future: Future<unknown>): future is Edge {
  return 'waitNumber' in future
}

let waitNumbers = 0

/**
 * Records that code of `flow` has begun to await `edge`. If the awaited actor is busy, a check for a circle follows.
 */
export function noteWait(edge: Edge, flow: HandlerFlow): void {
  if (flow.ended) return
  edge.waitNumber = ++waitNumbers
  if (edge.blocker() !== null) checkCycleLater(flow)
}

const toCheck = new WeakSet<HandlerFlow>()

/**
 * Checks in the next turn of the loop whether `flow` is stuck in a circle. If so, the newest wait of the circle fails
 * with AskCycle.
 */
export function checkCycleLater(flow: HandlerFlow, isRetry = false): void {
  if (toCheck.has(flow)) return
  toCheck.add(flow)
  flow.incarnation.child.runtime.loop.callSoon(() => {
    toCheck.delete(flow)
    if (!flow.ended) checkCycle(flow, isRetry)
  })
}

interface Node {
  readonly flow: HandlerFlow
  readonly edges: { readonly edge: Edge; readonly to: HandlerFlow | null }[]
  /** The futures of other kinds that the handler waits for, such as timers and locks. */
  readonly others: Future<unknown>[]
  /** True when a future that the handler awaited is done, but the handler has not continued yet. */
  isResuming: boolean
}

function checkCycle(start: HandlerFlow, isRetry: boolean): void {
  const nodes = reachableFrom(start)
  if (!isRetry && [...nodes.values()].some((node) => node.isResuming)) {
    checkCycleLater(start, true)
    return
  }
  const stuck = stuckAmong(nodes)
  if (stuck.has(start)) {
    breakCircle(start, nodes, stuck)
    return
  }
  // The handlers of the circle are not all stuck, because some also wait for other futures. When such a future is done,
  // the circle is checked again.
  const members = [...nodes.values()].filter(
    (node) => pathBetween(start, node.flow, nodes) !== null && pathBetween(node.flow, start, nodes),
  )
  for (const { others } of members) {
    for (const other of others) watch(other, start)
  }
}

/** Maps a future to the handlers that are checked again when that future is done. */
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

function reachableFrom(start: HandlerFlow): Map<HandlerFlow, Node> {
  const nodes = new Map<HandlerFlow, Node>()
  const pending = [start]
  for (let flow = pending.pop(); flow !== undefined; flow = pending.pop()) {
    if (nodes.has(flow)) continue
    const node = makeNode(flow)
    nodes.set(flow, node)
    for (const { to } of node.edges) if (to !== null) pending.push(to)
  }
  return nodes
}

function makeNode(flow: HandlerFlow): Node {
  const node: Node = { flow, edges: [], others: [], isResuming: false }
  for (const future of flow.task.waitingOn) {
    if (future.done()) node.isResuming = true
    else if (!isEdge(future)) node.others.push(future)
    else if (future.asker === flow) node.edges.push({ edge: future, to: future.blocker() })
  }
  return node
}

/**
 * Returns the handler that must end before the ask in `envelope` gets an answer; null when there is no such handler.
 */
export function blockerOfMessage(target: ActorChild, envelope: Envelope): HandlerFlow | null {
  const { incarnation } = target
  if (incarnation === null) return null
  const { flow } = envelope
  // A deferred answer can come from any code, so the handler itself does not block it.
  if (flow !== null) return flow.ended || flow.port !== null ? null : flow
  if (!target.mailbox.holds(envelope)) return null
  return incarnation.handlers.mayServe(envelope) ? null : incarnation.busyFlow
}

/** Returns the handlers among `nodes` that can continue only if another of these handlers continues first. */
function stuckAmong(nodes: Map<HandlerFlow, Node>): Set<HandlerFlow> {
  const stuck = new Set<HandlerFlow>()
  for (const { flow, edges, others, isResuming } of nodes.values()) {
    if (edges.length > 0 && others.length === 0 && !isResuming) stuck.add(flow)
  }
  for (let before = -1; before !== stuck.size;) {
    before = stuck.size
    for (const flow of stuck) {
      const node = nodes.get(flow) as Node
      if (node.edges.some(({ to }) => to === null || !stuck.has(to))) stuck.delete(flow)
    }
  }
  return stuck
}

function breakCircle(
  start: HandlerFlow,
  nodes: Map<HandlerFlow, Node>,
  stuck: Set<HandlerFlow>,
): void {
  let newest: { from: HandlerFlow; edge: Edge; path: HandlerFlow[] } | null = null
  for (const { flow, edges } of nodes.values()) {
    if (!stuck.has(flow)) continue
    for (const { edge, to } of edges) {
      if (newest !== null && edge.waitNumber < newest.edge.waitNumber) continue
      const path = to === null ? null : pathBetween(to, flow, nodes)
      if (path !== null) newest = { from: flow, edge, path }
    }
  }
  if (newest === null) return
  const paths = [...newest.path, newest.path[0] as HandlerFlow].map(
    ({ incarnation }) => incarnation.child.path,
  )
  newest.edge.refuse(new AskCycle(paths))
  // The handler `start` may be part of another circle too, so it is checked again.
  if (newest.from !== start) checkCycleLater(start)
}

/** Returns a shortest path along the edges, including `from` and `to`; null when there is none. */
function pathBetween(
  from: HandlerFlow,
  to: HandlerFlow,
  nodes: Map<HandlerFlow, Node>,
): HandlerFlow[] | null {
  const cameFrom = new Map<HandlerFlow, HandlerFlow | null>([[from, null]])
  // Works as a queue: a Map is iterated in the order of insertion, and the loop also reaches entries that are added
  // during it.
  for (const [flow] of cameFrom) {
    if (flow === to) return trace(flow, cameFrom)
    for (const { to: next } of nodes.get(flow)?.edges ?? []) {
      if (next !== null && !cameFrom.has(next)) cameFrom.set(next, flow)
    }
  }
  return null
}

function trace(end: HandlerFlow, cameFrom: Map<HandlerFlow, HandlerFlow | null>): HandlerFlow[] {
  const path: HandlerFlow[] = []
  for (let flow: HandlerFlow | null = end; flow !== null; flow = cameFrom.get(flow) ?? null) {
    path.unshift(flow)
  }
  return path
}

/**
 * Returns the call chain of a message that `flow` sends: the reentrant asks that led to `flow` and have no answer yet.
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
 * Returns whether the message results from a reentrant ask of a handler of `incarnation` that still waits for its
 * answer.
 */
export function isReentrant(envelope: Envelope, incarnation: ActorIncarnation): boolean {
  for (let link = envelope.chain; link !== null; link = link.up) {
    const { ask } = link
    if (ask.asker?.incarnation === incarnation && !ask.asker.ended && !ask.done()) return true
  }
  return false
}
