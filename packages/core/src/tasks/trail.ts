import { promiseEvents } from './promise-hook.ts'

const microtask = Promise.resolve()

/**
 * The trail ends when this many of its sections, one after another, were empty. More than one, because a callback of
 * `queueMicrotask` changes no promise, so a section that holds only such callbacks looks empty.
 */
const emptySections = 3

/**
 * While the code runs that the turn has resumed: the function that ends the first section of its trail; otherwise null.
 * A task may wait on a future of another loop. Then a turn of the other loop resumes the task, so this variable belongs
 * to no loop.
 */
let leaveFirst: (() => void) | null = null

/** Called by each loop when the code that its turn has resumed has returned. */
export function leaveTrail(): void {
  if (leaveFirst === null) return
  const leave = leaveFirst
  leaveFirst = null
  leave()
}

/**
 * The problem: a turn resumes code that gets a cancel. The waits that this code then begins are its clean-up, and the
 * cancel must not end them. But in the same turn, other code of the task may return from a foreign promise (a promise
 * that this library did not make) and begin a wait. This code has not got the cancel. The engine does not tell which
 * code has begun a wait.
 *
 * The idea: the engine runs microtasks in the order in which they were queued. So the microtasks that the resumed code
 * queues are next to each other in the queue, and two microtasks of the trail around them mark this section. When the
 * first mark runs, `isStray` becomes false, and the trail queues the first mark of the next section; the second mark
 * does the opposite. The next section then holds the microtasks that were queued in this section, and so on. Any other
 * code is a stray: it descends from something else than the resumed code.
 *
 * The trail ends when its sections are empty. In an empty section no promise is made or settled, and the promise hook of
 * V8 shows that. The trail cannot be used without that hook.
 */
export class Trail {
  /** Whether `begin` was called in this turn, and `drop` was not. */
  #isKnown = false
  #onEnd: (() => void) | null = null
  #isInside = false
  #eventsBefore = 0
  #emptySections = 0

  /**
   * Begins the trail: the code that is called from now until the call of `leaveTrail`, and the code that descends from
   * it, is on the trail. When no such code is left in the microtask queue, the trail calls `onEnd`.
   */
  begin(onEnd: () => void): void {
    this.#isKnown = true
    this.#onEnd = onEnd
    this.#emptySections = 0
    leaveFirst = this.#leave
    this.#enter()
  }

  /** Called at the end of the turn, or earlier: from now on no code is a stray. Does not call `onEnd`. */
  drop(): void {
    this.#isKnown = false
    this.#onEnd = null
    this.#isInside = false
  }

  /** Whether the running code does not descend from the code that this turn has resumed. False if that is not known. */
  get isStray(): boolean {
    return this.#isKnown && !this.#isInside
  }

  readonly #enter = (): void => {
    if (this.#onEnd === null) return
    void microtask.then(this.#enter)
    this.#isInside = true
    this.#eventsBefore = promiseEvents()
  }

  readonly #leave = (): void => {
    const onEnd = this.#onEnd
    if (onEnd === null) return
    this.#isInside = false
    // One event is of the first mark itself: the promise of its microtask was settled.
    if (promiseEvents() > this.#eventsBefore + 1) this.#emptySections = 0
    else if (++this.#emptySections === emptySections) {
      // The turn may go on until no microtask is left. Then all code that still runs is a stray.
      this.#onEnd = null
      onEnd()
      return
    }
    void microtask.then(this.#leave)
  }
}
