import { type NodeSnapshot } from '@tasktree/actor'
import { expect, test } from 'vitest'
import { inJobd, until } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

function allNodes(node: NodeSnapshot): NodeSnapshot[] {
  return [node, ...node.children.flatMap(allNodes)]
}

test(
  'every part of the server runs, and comes back after kills of the listener, the workers and the store',
  slow,
  () =>
    inJobd(
      async ({ jobd: { system } }) => {
        const shown = (): string[] =>
          allNodes(system.snapshot().root).map(({ path, status }) => `${path} ${status}`)
        const before = shown()
        expect(before.filter((line) => !line.endsWith(' running'))).toEqual([])
        expect(before.filter((line) => line.includes('/worker-'))).toHaveLength(3)
        for (const name of ['listener', 'workers', 'workers/worker-2', 'store']) {
          const part = system.lookup(name)
          const incarnation = part?.incarnation ?? 0
          await part?.kill()
          await until(() => (system.lookup(name)?.incarnation ?? 0) > incarnation)
          await until(() => shown().join() === before.join())
        }
      },
      { workers: 3 },
    ),
)
