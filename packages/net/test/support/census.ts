import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { allTasks } from '@tasktree/core'
import { expect } from 'vitest'

/** What a program holds: the number of file descriptors, the handles that keep the loop alive, and the number of tasks. */
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
 * Checks that the program holds no more than at the time of `before`. It waits for that, because a closed handle counts until the
 * next close phase of Node. It gives up after 3 seconds of CPU time of this process, and not of real time, because on a busy
 * machine the process gets less CPU time.
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

/** Returns the milliseconds of CPU time that this process has used since `begin`. */
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
