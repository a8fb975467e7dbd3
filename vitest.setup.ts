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

/** The CPU time that this process has used since `begin`, in milliseconds. */
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
  // Two kinds of handles are counted although the test did not leak them, so this loop counts again until they are gone.
  // A handle that has just been closed is counted until Node's next close phase. The test runner has timers of its own, which
  // end when its main process answers. The limit is CPU time of this process and not real time, because on a busy machine
  // the main process gets little CPU time too, and answers late.
  const begin = process.cpuUsage()
  do {
    await nextLoop()
    leaked = [...countOpenHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0))
    if (leaked.length === 0) return
  } while (cpuTimeSince(begin) < 1_000)
  assert.deepEqual(leaked, [], 'the test left handles open')
})
