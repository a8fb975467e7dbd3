import { setImmediate as nextLoop } from 'node:timers/promises'
import { afterEach, assert, beforeEach } from 'vitest'

const watched: ReadonlySet<string> = new Set([
  'Timeout',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeWrap',
  'ProcessWrap',
  'MessagePort',
])

function countOpenHandles(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

let before = new Map<string, number>()
beforeEach(() => {
  before = countOpenHandles()
})
afterEach(async () => {
  let leaked: [string, number][] = []
  // A handle that has just been closed is counted until the loop's next close phase, and the test runner
  // has short timers of its own, which come and go.
  const giveUp = performance.now() + 500
  do {
    await nextLoop()
    leaked = [...countOpenHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0))
    if (leaked.length === 0) return
  } while (performance.now() < giveUp)
  assert.deepEqual(leaked, [], 'the test left handles open')
})
