import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { allTasks } from '@tasktree/core'
import { expect } from 'vitest'

/** What a program holds: descriptors, what keeps the loop alive, and tasks. */
export interface Census {
  descriptors: number
  handles: string[]
  tasks: number
}

const watched = /^(Timeout|TCP|Pipe|TLS|UDP|GetAddrInfo|Process|MessagePort)/

export function census(): Census {
  return {
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    handles: process
      .getActiveResourcesInfo()
      .filter((kind) => watched.test(kind))
      .toSorted(),
    tasks: allTasks().size,
  }
}

/**
 * Waits until no more is held than at the time of `before`, because a closed handle is counted until the loop's next close
 * phase. Gives up after 3 seconds of CPU time of this process: on a busy machine these are more seconds of the clock.
 */
export async function expectNothingLeft(before: Census): Promise<void> {
  const begin = process.cpuUsage()
  let now = census()
  while (!holdsNoMore(now, before) && cpuTimeSince(begin) < 3_000) {
    await nextTurn()
    now = census()
  }
  if (!holdsNoMore(now, before)) expect(now).toEqual(before)
}

/** Milliseconds. */
function cpuTimeSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / 1_000
}

function holdsNoMore(now: Census, before: Census): boolean {
  return (
    now.descriptors <= before.descriptors &&
    now.tasks <= before.tasks &&
    now.handles.length <= before.handles.length
  )
}
