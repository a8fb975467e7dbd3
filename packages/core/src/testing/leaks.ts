import { sleep } from '../combine/sleep.ts'
import { currentTask } from '../context/current.ts'
import { errorText } from '../errors/error-text.ts'
import { Future } from '../futures/future.ts'
import { printable } from '../futures/printable.ts'
import { detailsOf } from '../futures/wait-details.ts'
import { Handle } from '../loop/handle.ts'
import { liveLoops } from '../loop/live-loops.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Deadline } from '../scopes/deadline.ts'
import { scopeOf, snapshot } from '../snapshot/snapshot.ts'
import { type Frame } from '../tasks/frame.ts'
import { framesOf } from '../tasks/frame-tree.ts'
import type { Task } from '../tasks/task.ts'

/**
 * A leak is a thing that a test has begun and not ended: a task, a wait, a scope, a timer, or a failure that no code
 * has read. This file finds leaks by comparing two lists: the things that all loops hold at the end of the test, and
 * the things that they held at its beginning. Each loop knows its tasks, its timers and the waits outside of tasks. So
 * nothing is recorded while the test runs, and this check does not make other programs slower.
 */

/**
 * After the end of a test, the check waits at most this many steps of the loop, because some tasks and timers may be
 * about to end.
 */
const patience = 16

/**
 * This error means that a test has not ended everything that it has begun. `leaks` has one line for each thing that is
 * left.
 */
export class LeakError extends Error {
  override readonly name: string = 'LeakError'
  readonly code: string = 'ERR_LEAK'
  readonly leaks: readonly string[]

  constructor(leaks: readonly string[]) {
    const count = leaks.length === 1 ? 'one thing' : `${leaks.length} things`
    const lines = leaks.map((leak) => `\n- ${leak}`).join('')
    super(
      `the test has left ${count} behind; await, cancel or close it before the test ends:${lines}`,
    )
    this.leaks = leaks
  }
}

/**
 * Finds the things that the program has begun, and not ended, since the call of `watchLeaks` that returned this object.
 */
export interface LeakWatch {
  /** Returns one line for each thing that was begun after the call of `watchLeaks` and has not ended. */
  find(): string[]
  /**
   * Waits a few steps of the loop, so that tasks and timers that are about to end can end. Then returns if everything
   * that was begun after the call of `watchLeaks` has ended.
   *
   * @throws {LeakError} when something has not ended
   */
  check(): Promise<void>
}

/**
 * Lists the tasks, waits, scopes, timers and unread failures of all loops, and counts the actor systems, pools,
 * processes and servers that other packages add to `snapshot()`. A method of the returned object finds the things that
 * exist when it is called, and did not exist at the call of `watchLeaks`. The function `it` of `@tasktree/core/vitest`
 * does this for each test.
 *
 * A pending future is not found if it has no timer and no code awaits it, because no loop knows this future.
 *
 * @example
 *     const watch = watchLeaks()
 *     const task = createTask(() => sleep(60_000), { name: 'poller' })
 *     console.log(watch.find().length) // 1
 *     task.cancel()
 *     await watch.check()
 */
export function watchLeaks(): LeakWatch {
  const before = listThings()
  const find = (): string[] => {
    const leaks: string[] = []
    const after = listThings()
    for (const [thing, text] of after.things) if (!before.things.has(thing)) leaks.push(text)
    for (const [part, count] of after.parts) {
      const more = count - (before.parts.get(part) ?? 0)
      if (more > 0) leaks.push(`${more} of the ${part} that snapshot() lists`)
    }
    return leaks
  }
  return {
    find,
    async check() {
      for (let turn = 0; turn < patience && find().length > 0; turn++) await sleep(0)
      const leaks = find()
      if (leaks.length > 0) throw new LeakError(leaks)
    },
  }
}

interface Things {
  /**
   * The things that the loops hold (tasks, waits, scopes, timers, unread failures), each with a line of text that
   * describes the thing.
   */
  readonly things: Map<object, string>
  /** For each part of `snapshot()` that another package has added: the number of its entries. */
  readonly parts: Map<string, number>
}

function listThings(): Things {
  const things = new Map<object, string>()
  for (const loop of liveLoops()) new LoopLister(loop, things).list()
  const parts = new Map<string, number>()
  for (const [part, value] of Object.entries(snapshot())) {
    if (part !== 'loops' && Array.isArray(value)) parts.set(part, value.length)
  }
  return { things, parts }
}

/**
 * Lists the things that one loop holds: tasks, waits, scopes, timers and unread failures. The scopes and waits of a
 * task have no lines of their own; the line of the task names them. But each wait of the running task has a line.
 */
class LoopLister {
  readonly #loop: EventLoop
  readonly #things: Map<object, string>
  readonly #running = currentTask()
  /**
   * The futures of the waits that are listed. If such a future is also a timer (as a sleep is), it is not listed a
   * second time as a timer.
   */
  readonly #awaited = new Set<object>()

  constructor(loop: EventLoop, things: Map<object, string>) {
    this.#loop = loop
    this.#things = things
  }

  list(): void {
    const loop = this.#loop
    for (const task of loop.tasks.list()) this.#addTask(task)
    this.#addFrames(loop.rootFrame, 'a call that a callback of the loop began')
    for (const frame of loop.leftBehind) this.#addFrames(frame, 'a call that has outlived its task')
    for (const entry of loop.listTimers()) this.#addTimer(entry)
    for (const future of loop.failures.unseen()) this.#addFailure(future)
  }

  #addTask(task: Task): void {
    let text = `task "${printable(task.name)}"`
    const waits: string[] = []
    for (const frame of framesOf(task.ownExecution())) {
      const scope = scopeText(frame)
      if (scope !== null) text += `, in a ${scope}`
      frame.peekWaits((_key, future) => {
        waits.push(printable(detailsOf(future).label))
        this.#awaited.add(future)
        // The running task runs the test, and its own code is not waiting now. So each wait in this task belongs to a
        // call that the test did not await.
        if (task === this.#running) this.#addWait(future, 'a call that nobody awaited')
      })
    }
    if (waits.length > 0) text += `, which waits for ${waits.join(' and ')}`
    this.#things.set(task, text)
  }

  #addWait(future: Future<unknown>, call: string): void {
    if (this.#things.has(future)) return
    this.#things.set(future, `${call}, which waits for ${printable(detailsOf(future).label)}`)
  }

  #addFrames(outermost: Frame, call: string): void {
    for (const frame of framesOf(outermost)) {
      const scope = scopeText(frame)
      if (scope !== null) this.#things.set(frame, `an open ${scope}`)
      frame.peekWaits((_key, future) => {
        this.#awaited.add(future)
        this.#addWait(future, call)
      })
    }
  }

  #addTimer(entry: object): void {
    // A timer is not listed if a line shows the wait for it. A Deadline, the timer of a scope, is not listed either: it
    // ends with the scope, and the scope is shown in a line of its own or in the line of its task.
    if (this.#awaited.has(entry) || entry instanceof Deadline) return
    if (entry instanceof Future) {
      const text = `a ${entry.constructor.name} that nobody awaits: ${detailsOf(entry).label}`
      this.#things.set(entry, text)
    } else if (entry instanceof Handle) this.#things.set(entry, 'a timer of callLater or callAt')
  }

  #addFailure(future: Future<unknown>): void {
    const task = future.ownExecution()?.task ?? null
    const owner = task === null ? 'a future' : `task "${printable(task.name)}"`
    this.#things.set(
      future,
      `a failure of ${owner} that nobody has looked at: ${errorText(future.peekOutcome())}`,
    )
  }
}

/**
 * Returns the kind and the name of a scope; `frame` is the object for it. Returns null if `frame` is the object for
 * a task, or belongs to a loop.
 */
function scopeText(frame: Frame): string | null {
  const scope = scopeOf(frame)
  if (scope === null) return null
  return scope.name === undefined ? scope.kind : `${scope.kind} "${scope.name}"`
}
