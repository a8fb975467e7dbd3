import { ActorSlot } from './actor-slot.ts'
import { formatReason } from './exit-reason.ts'
import type { ChildKind, ChildStatus, Slot } from './slot.ts'
import { SupervisorSlot } from './supervisor-slot.ts'
import { TaskSlot } from './task-child.ts'

/** One child at one moment. */
export interface NodeSnapshot {
  readonly id: string
  readonly path: string
  readonly kind: ChildKind
  readonly status: ChildStatus
  readonly incarnation: number
  readonly restarts: number
  /** Why the incarnation before ended; null when none has. */
  readonly lastExit: string | null
  /** Of supervisors. */
  readonly strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  /** Of actors. */
  readonly mailbox?: { readonly size: number; readonly capacity: number; readonly waiting: number }
  /** Of actors: messages handled by this incarnation. */
  readonly handled?: number
  /** The message that is being handled. */
  readonly handling?: { readonly method: string; readonly sinceMs: number }
  /** The asks it waits for: `path method`. */
  readonly waitingOn?: readonly string[]
  readonly children: readonly NodeSnapshot[]
}

function waitsOf(slot: Slot): string[] {
  const task = slot instanceof ActorSlot || slot instanceof TaskSlot ? slot.run?.task : undefined
  if (task === undefined) return []
  if (slot instanceof ActorSlot && slot.run?.current === null) return []
  return [...task.waitingOn].map((future) => {
    if ('target' in future && 'envelope' in future) {
      const { target, envelope } = future as unknown as {
        target: Slot
        envelope: { type: string }
      }
      return `${target.path} ${envelope.type}`
    }
    return 'name' in future ? String(future.name) : future.constructor.name
  })
}

function childrenOf(slot: Slot): Slot[] {
  if (slot instanceof SupervisorSlot) return slot.run?.members.map((each) => each.slot) ?? []
  if (slot instanceof ActorSlot) return slot.run?.nursery?.slots ?? []
  return []
}

export function snapshotOf(slot: Slot): NodeSnapshot {
  const { id, path, kind, number: incarnation, restarts, lastExit } = slot
  const actor = slot instanceof ActorSlot ? slot : null
  const run = actor?.run ?? null
  const waits = waitsOf(slot)
  return {
    id,
    path,
    kind,
    status: run?.suspended === true ? 'suspended' : slot.status,
    incarnation,
    restarts,
    lastExit: lastExit === null ? null : formatReason(lastExit),
    ...(slot instanceof SupervisorSlot ? { strategy: strategyOf(slot) } : {}),
    ...(actor === null ? {} : { mailbox: mailboxOf(actor), handled: run?.handled ?? 0 }),
    ...(run === null || run.current === null
      ? {}
      : {
          handling: {
            method: run.current.type,
            sinceMs: Math.round(performance.now() - run.currentSince),
          },
        }),
    ...(waits.length === 0 ? {} : { waitingOn: waits }),
    children: childrenOf(slot).map(snapshotOf),
  }
}

function strategyOf(slot: SupervisorSlot): 'one-for-one' | 'one-for-all' | 'rest-for-one' {
  const { spec } = slot
  return (spec.kind === 'supervisor' ? spec.options.strategy : undefined) ?? 'one-for-one'
}

function mailboxOf({ mailbox }: ActorSlot): NonNullable<NodeSnapshot['mailbox']> {
  return { size: mailbox.size, capacity: mailbox.capacity, waiting: mailbox.waiting }
}

/** The tree as text, a line for each child. */
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
