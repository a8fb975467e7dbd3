import type { Coroutine, CoroutineFunction } from '../tasks/coroutine.ts'
import { EventLoop } from '../loop/loop.ts'
import type { Schedule } from '../loop/ready-queue.ts'
import { checkMain, Runner } from '../run/runner.ts'
import { SeededSchedule } from './schedule.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * A program counts as deadlocked after this many checks in a row have found it idle. Each check is a millisecond of
 * real time after the one before. One check is not enough, because Node does not list some operations in progress, such
 * as the closing of a file.
 */
const checksToBeSure = 5
/**
 * The number of such checks if some resources of a kind are open, but no more than before the start of the program, and
 * the program may have opened one of them: the runtime tells only how many are open. This is so if the program has
 * opened resources of this kind before. It is also so for timers of the runtime, because an older timer has often ended
 * by itself since then, such as the timer of a test runner for a message to its main process.
 */
const checksIfUnclear = 1_000

/**
 * Runs `main` on a new loop in virtual time: when every task waits, the clock jumps to the next timer. Returns a
 * promise of the outcome of `main`. With `seed`, the tasks and callbacks that are ready run in a random order, and the
 * same seed always gives the same order. If every task waits and nothing can wake any of them, this promise rejects
 * with a DeadlockError, usually within a few milliseconds, and after a second while a timer of the runtime is open that
 * was set before (`setTimeout`, unless `unref()` was called). If the program waits for real I/O, the run continues.
 *
 * @throws {TypeError} when `main` is neither a function nor a Coroutine, and for wrong options
 *
 * @example
 *     await runVirtual(async () => {
 *       const loop = getRunningLoop()
 *       await sleep(3_600_000) // takes no time
 *       console.log(loop.time()) // 3600000
 *     })
 */
export function runVirtual<T>(
  main: CoroutineFunction<[], T> | Coroutine<T>,
  options: { seed?: number; start?: number } = {},
): Promise<T> {
  checkMain('runVirtual', main)
  const clock = new VirtualClock(options)
  const schedule = options.seed === undefined ? null : new SeededSchedule(options.seed)
  return runOnVirtualLoop(main, clock, schedule)
}

export async function runOnVirtualLoop<T>(
  main: CoroutineFunction<[], T> | Coroutine<T>,
  clock: VirtualClock,
  schedule: Schedule | null,
): Promise<T> {
  const loop = new EventLoop(schedule === null ? { clock } : { clock, schedule })
  const runner = new Runner({ loop, handleSignals: false })
  runner.closesLoop = true
  const resources = new OpenResources()
  let idleChecks = 0
  let turnsSeen = 0
  clock.onStall = () => {
    const isIdle = runner.deadlocked !== null && !resources.mayWake()
    if (isIdle && loop.turns === turnsSeen) idleChecks++
    else idleChecks = isIdle ? 1 : 0
    turnsSeen = loop.turns
    if (idleChecks < (resources.isUnclear ? checksIfUnclear : checksToBeSure)) return false
    runner.deadlocked?.()
    clock.watch()
    return true
  }
  clock.watch()
  return runner.runAndClose(main)
}

/** Returns how many sockets, processes, file operations and timers of the runtime are open in this process, by kind. */
function countResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of listResources()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** Lists the kinds of the open resources of this process. Returns an empty list in workerd, which has no such list. */
function listResources(): readonly string[] {
  try {
    return process.getActiveResourcesInfo()
  } catch {
    return []
  }
}

/** The resources (sockets, files and the like) that are open in this process, compared with those before the program. */
class OpenResources {
  readonly #before = countResources()
  /** The kinds of which more were open at some check than before the start of the program. */
  readonly #ownKinds = new Set<string>()
  /** Whether the newest call of `mayWake` has returned false, but a resource of the program may be open all the same. */
  isUnclear = false

  /**
   * Whether more resources of some kind are open now than before the start of the program. Such a resource may still
   * wake a task.
   */
  mayWake(): boolean {
    let mayWake = false
    this.isUnclear = false
    for (const [kind, count] of countResources()) {
      if (count > (this.#before.get(kind) ?? 0)) {
        mayWake = true
        this.#ownKinds.add(kind)
      } else if (kind === 'Timeout' || this.#ownKinds.has(kind)) this.isUnclear = true
    }
    return mayWake
  }
}
