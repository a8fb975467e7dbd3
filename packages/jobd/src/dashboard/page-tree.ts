import type { NodeSnapshot } from '@tasktree/actor'
import type { PageNode } from './page-events.ts'

/**
 * Returns the tree as the page shows it. Times are left out, so that the result is the same while nothing happens in
 * the tree.
 */
export function toPageNode(node: NodeSnapshot): PageNode {
  const { id, path, kind, status, restarts, lastExit } = node
  const activity = [
    ...(node.handling === undefined ? [] : [`in ${node.handling.method}`]),
    ...(node.waitingOn === undefined ? [] : [`waits for ${node.waitingOn.join(', ')}`]),
  ]
  return {
    id,
    path,
    kind: kind === 'dynamic' ? kind : (node.strategy ?? kind),
    status,
    restarts,
    lastExit,
    mailbox: node.mailbox === undefined ? 0 : node.mailbox.size + node.mailbox.waiting,
    activity: activity.join(', '),
    children: node.children.map(toPageNode),
  }
}
