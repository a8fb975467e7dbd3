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

/** Milliseconds. */
function cpuTimeSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1_000
}

let before = new Map<string, number>()
beforeEach(() => {
  before = countOpenHandles()
})
afterEach(async () => {
  let leaked: [string, number][] = []
  // A handle that has just been closed is counted until the loop's next close phase, and the test runner
  // has timers of its own, which come and go with the answers of its main process. The time is CPU time of this process:
  // on a machine that is busy with other things the main process has little of it, too.
  const begin = process.cpuUsage()
  do {
    await nextLoop()
    leaked = [...countOpenHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0))
    if (leaked.length === 0) return
  } while (cpuTimeSince(begin) < 1_000)
  assert.deepEqual(leaked, [], 'the test left handles open')
})
