import { detailsOf } from '@tasktree/core/lowlevel'
import { ActorChild } from '../actors/actor-child.ts'
import { formatReason } from '../exit-reason.ts'
import type { ChildKind, ChildStatus, Child } from '../children/child.ts'
import { SupervisorChild } from '../supervision/supervisor-child.ts'
import { TaskChild } from '../children/task-child.ts'

/** The state of one child, and of all children below it, at one moment. */
export interface NodeSnapshot {
  readonly id: string
  readonly path: string
  readonly kind: ChildKind
  readonly status: ChildStatus
  readonly incarnation: number
  readonly restarts: number
  /** Why the incarnation (run of the child) that ended most recently has ended; null when none has ended yet. */
  readonly lastExit: string | null
  /** Which children the supervisor restarts when one of them ends. Only supervisors have this field. */
  readonly strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  /**
   * How many messages are in the mailbox, how many fit, and how many senders wait for room. Only actors have this field.
   */
  readonly mailbox?: { readonly size: number; readonly capacity: number; readonly waiting: number }
  /** The number of asks to the actor that were not answered yet. Only actors have this field. */
  readonly asks?: number
  /** How many messages the actor has handled since its last start or restart. Only actors have this field. */
  readonly handled?: number
  /** The message that the actor is handling now. The field is absent while the actor handles no message. */
  readonly handling?: { readonly method: string; readonly sinceMs: number }
  /**
   * The names of the futures that the child's task waits for: `Sleep` for a sleep, otherwise the label that `snapshot()`
   * of `@tasktree/core` shows. Only actors and tasks have this field. It is absent while the task waits for no future
   * (a native promise is not a future), and while the actor handles no message.
   */
  readonly waitingOn?: readonly string[]
  readonly children: readonly NodeSnapshot[]
}

function waitsOf(child: Child): string[] {
  const task =
    child instanceof ActorChild || child instanceof TaskChild ? child.incarnation?.task : undefined
  if (task === undefined) return []
  if (child instanceof ActorChild && child.incarnation?.messageLoop.isBusy === false) return []
  return [...task.waitingOn].map((future) => {
    const { kind, label } = detailsOf(future)
    // The label of a sleep contains the time that is left, so it would differ in each snapshot. Two snapshots should
    // differ only if something has happened in between.
    return kind === 'sleep' ? 'Sleep' : label
  })
}

function childrenOf(child: Child): Child[] {
  if (child instanceof SupervisorChild)
    return child.incarnation?.members.map((each) => each.child) ?? []
  if (child instanceof ActorChild) return child.incarnation?.ownChildren?.children ?? []
  return []
}

export function snapshotOf(child: Child): NodeSnapshot {
  const { id, path, kind, number, restarts, lastExit } = child
  const actor = child instanceof ActorChild ? child : null
  const messageLoop = actor?.incarnation?.messageLoop ?? null
  const main = messageLoop?.main ?? null
  const waits = waitsOf(child)
  return {
    id,
    path,
    kind,
    status: messageLoop?.suspended === true ? 'suspended' : child.status,
    incarnation: number,
    restarts,
    lastExit: lastExit === null ? null : formatReason(lastExit),
    ...(child instanceof SupervisorChild ? { strategy: strategyOf(child) } : {}),
    ...(actor === null
      ? {}
      : {
          mailbox: mailboxOf(actor),
          asks: actor.pendingAsks,
          handled: messageLoop?.handled ?? 0,
        }),
    ...(main === null
      ? {}
      : {
          handling: {
            method: main.envelope.type,
            sinceMs: Math.round(performance.now() - main.since),
          },
        }),
    ...(waits.length === 0 ? {} : { waitingOn: waits }),
    children: childrenOf(child).map(snapshotOf),
  }
}

function strategyOf(child: SupervisorChild): 'one-for-one' | 'one-for-all' | 'rest-for-one' {
  const { spec } = child
  return (spec.kind === 'supervisor' ? spec.options.strategy : undefined) ?? 'one-for-one'
}

function mailboxOf({ mailbox }: ActorChild): NonNullable<NodeSnapshot['mailbox']> {
  return { size: mailbox.size, capacity: mailbox.capacity, waiting: mailbox.waiting }
}

/** Formats `root` and all children below it as text, with one line for each child. */
export function formatTree(root: NodeSnapshot): string {
  const lines: string[] = [`${root.id}  ${describeNode(root)}`]
  addChildren(lines, root, '')
  return lines.join('\n')
}

function addChildren(lines: string[], node: NodeSnapshot, indent: string): void {
  node.children.forEach((child, index) => {
    const last = index === node.children.length - 1
    lines.push(`${indent}${last ? '└─' : '├─'} ${child.id}  ${describeNode(child)}`)
    addChildren(lines, child, `${indent}${last ? '   ' : '│  '}`)
  })
}

function describeNode(node: NodeSnapshot): string {
  const parts: string[] = [node.kind === 'supervisor' ? (node.strategy as string) : node.kind]
  parts.push(node.status)
  if (node.restarts > 0) parts.push(`restarts ${node.restarts}`)
  const { mailbox, handling, waitingOn } = node
  if (mailbox !== undefined && mailbox.size > 0) {
    const waiting = mailbox.waiting === 0 ? '' : ` (+${mailbox.waiting} waiting)`
    parts.push(`mailbox ${mailbox.size}${waiting}`)
  }
  if (handling !== undefined) parts.push(`in ${handling.method}`)
  if (waitingOn !== undefined) parts.push(`waits for ${waitingOn.join(', ')}`)
  return parts.join('  ')
}
