import type { CoroutineFunction } from '../coroutine.ts'
import type { Coroutine } from '../coroutine.ts'
import { EventLoop } from '../loop.ts'
import type { Schedule } from '../ready-queue.ts'
import { Runner } from '../run.ts'
import { SeededSchedule } from './schedule.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * Runs `main` on a loop of its own under virtual time: the clock jumps to the next timer when every
 * task waits. With `seed` the ready queue is drawn in another order, the same for the same seed. A
 * program in which nothing can go on rejects with DeadlockError at once, unless it waits for real I/O.
 */
export async function runVirtual<T>(
  main: CoroutineFunction<[], T> | Coroutine<T>,
  options: { seed?: number; start?: number } = {},
): Promise<T> {
  const schedule = options.seed === undefined ? null : new SeededSchedule(options.seed)
  return runOnVirtualLoop(main, schedule, options.start ?? 0)
}

export async function runOnVirtualLoop<T>(
  main: CoroutineFunction<[], T> | Coroutine<T>,
  schedule: Schedule | null,
  start: number,
): Promise<T> {
  const clock = new VirtualClock({ start })
  const loop = new EventLoop(schedule === null ? { clock } : { clock, schedule })
  const runner = new Runner({ loop, handleSignals: false })
  const resourcesBefore = countResources()
  clock.onStall = () => {
    if (runner.deadlocked === null || countResources() > resourcesBefore) return false
    runner.deadlocked()
    clock.watch()
    return true
  }
  clock.watch()
  try {
    return await runner.run(main)
  } finally {
    await runner.close()
    loop.close()
  }
}

/** Sockets, processes, file operations and platform timers that something may still come from. */
function countResources(): number {
  return process.getActiveResourcesInfo().length
}
