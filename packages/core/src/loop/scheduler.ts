import type { AsyncResource } from 'node:async_hooks'
import { currentFrame } from '../context/current.ts'
import type { Frame } from '../tasks/frame.ts'
import type { Task } from '../tasks/task.ts'
import { leaveTrail, Trail } from '../tasks/trail.ts'
import { type Clock, machineTime, nextTick, SystemClock } from './clock.ts'
import type { DebugMonitor } from './debug-monitor.ts'
import { ReadyQueue, type Runnable, type Schedule } from './ready-queue.ts'
import type { TimerEntry } from './timer-heap.ts'
import { Timers } from './timers.ts'

const microtask = Promise.resolve()

/**
 * The length of a burst in milliseconds. A burst is a series of turns without a pause; a turn runs one task or
 * callback. After a burst, the loop asks Node to call a function when I/O was handled. If Node has not called the
 * function at the end of the next burst, the loop pauses, so that Node can handle I/O.
 */
const burstLength = 1
/** The scheduler reads the clock once in this many turns. A turn runs one task or callback. */
const turnsPerClockRead = 8
/**
 * In virtual time, the loop pauses after this many turns (a turn runs one task or callback), so that Node can handle
 * I/O. The turns are counted, and the real clock is not used, because a test must run the same way on every machine.
 */
const turnsPerVirtualBurst = 1_024

/**
 * Decides what runs next: an entry of the ready queue, a timer, or I/O.
 *
 * A turn runs one entry of the ready queue. When a turn resumes the code of a task, the task becomes the holder of the
 * loop: the next turn begins only when this task waits on a pending future, or ends. A step of a task in asyncio ends
 * at the same points. So the turns of two tasks are not interleaved, even if a task awaits many futures that have ended
 * already, unless several calls of one task run at the same time. The scheduler cannot see that a task awaits a foreign
 * promise (a promise that this library did not make). Such a task stops being the holder when the microtask queue is
 * empty.
 *
 * A round runs all entries that were in the ready queue when the round began. Between two rounds, the timers that are
 * due are put into the queue, as in asyncio.
 */
export abstract class Scheduler {
  /** @internal the object that finds the problems that debug mode reports; null when debug mode is off */
  monitor: DebugMonitor | null = null
  /**
   * The asynchronous context (the values of every AsyncLocalStorage) in which the loop runs its tasks and callbacks.
   * Otherwise, they would see the values of the code that woke the loop.
   */
  protected abstract readonly outside: AsyncResource
  readonly #ready: ReadyQueue
  readonly #timers: Timers
  readonly #isVirtual: boolean
  /**
   * The number of entries that are left in this round. A round runs all entries that were in the ready queue (the tasks
   * and callbacks that can run) when the round began.
   */
  #round = 0
  #timersDue = false
  #holder: Task | Frame | null = null
  /** Whether `holdTurn` or `followTurn` was called: then no call of `release` ends this turn. */
  #isTurnHeld = false
  /** Whether `holdTurn` was called: then this turn ends only when no microtask is left. */
  #isHeldToEnd = false
  /** @internal which of the running code descends from the code that this turn has resumed, after a call of `followTurn` */
  readonly trail: Trail = new Trail()
  readonly #turnEnd: (() => void)[] = []
  /** Whether `#drain`, which runs the tasks and callbacks that are ready, is scheduled or running now. */
  #scheduled = false
  #watching = false
  #turns = 0
  #burstStart = 0
  #awaitsIO = false
  #nextTurn: Runnable[] = []
  #roundEnd: (() => void) | null = null
  /**
   * The time, in milliseconds, at which the scheduler last read the clock of the machine; `roughTime()` returns this
   * time.
   */
  #roughTime = 0
  /**
   * Whether `#roughTime` was read in the callback of Node that runs now, or in a microtask after it. Then `roughTime()`
   * does not read the clock again.
   */
  #isRoughTimeNew = false

  /** @internal use newEventLoop */
  constructor(options?: { clock?: Clock; schedule?: Schedule }) {
    this.#timers = new Timers(options?.clock ?? new SystemClock(), this.#onAlarm, this.#isIdle)
    this.#ready = new ReadyQueue(options?.schedule)
    this.#isVirtual = this.clock.virtual
  }

  /**
   * The clock for timers that are set now. It is a second clock if a test has replaced the global timer functions since
   * the first clock was made.
   */
  protected get clock(): Clock {
    return this.#timers.clock
  }

  /** Whether the loop is closed, so that nothing can be scheduled any more. */
  protected abstract isStopped(): boolean

  /** Reports `exception`, which the `run()` of an entry of the ready queue has thrown. */
  protected abstract reportCallback(exception: unknown): void

  /** Empties the ready queue, which has the tasks and callbacks that can run, and removes all timers. */
  protected clear(): void {
    this.#ready.drop()
    this.#timers.clear()
  }

  /** @internal */
  push(entry: Runnable): void {
    if (this.isStopped()) return
    this.#ready.push(entry)
    this.#wake()
  }

  /** @internal how many turns this loop has run; a turn runs one task or callback */
  get turns(): number {
    return this.#turns
  }

  /**
   * @internal Returns the time, in whole milliseconds, at which the scheduler last read the clock; the age of a task is
   * computed from this time. Reading the clock for each new task would add about 10% to the cost of creating the task.
   * So the clock is read at most once in each callback that Node calls, and once every eight turns of the loop (a turn
   * runs one task or callback). The returned time may be too early by the length of these turns. In virtual time, this
   * method returns the exact time of the clock instead.
   */
  roughTime(): number {
    return this.#isRoughTimeNew ? this.#roughTime : this.#readTime()
  }

  #readTime(): number {
    if (this.#isVirtual) return this.clock.now()
    this.#isRoughTimeNew = true
    this.#roughTime = Math.trunc(machineTime())
    this.#watch()
    return this.#roughTime
  }

  /**
   * @internal Returns the exact time in milliseconds, on the same clock as `roughTime`. The difference between this
   * time and the rough time at which a task was created is the age of the task.
   */
  exactTime(): number {
    return this.#isVirtual ? this.clock.now() : machineTime()
  }

  /**
   * @internal Returns the time at which the timer `entry` is due, in milliseconds of the loop's clock; null if this
   * timer is not set.
   */
  deadlineOf(entry: TimerEntry): number | null {
    return this.#timers.deadlineOf(entry)
  }

  /**
   * @internal Lets Node handle the I/O that is ready, and then puts `entry` in the ready queue. In virtual time, puts
   * `entry` in the queue at once, so that the order in which a test runs does not depend on real I/O.
   */
  pushAfterIO(entry: Runnable): void {
    if (this.clock.virtual) {
      this.push(entry)
      return
    }
    this.#nextTurn.push(entry)
    if (this.#nextTurn.length > 1) return
    this.clock.yieldToIO(() => {
      const entries = this.#nextTurn
      this.#nextTurn = []
      for (const each of entries) this.push(each)
    })
  }

  /**
   * @internal Records that the code of `holder`, a task or the frame of a scope, is about to continue. The loop
   * runs no other task or callback until `release(holder)` is called, or until no microtask is left.
   */
  hold(holder: Task | Frame): void {
    this.#holder = holder
    if (this.monitor === null) return
    this.monitor.turnBegan()
    // If the code awaits a promise that this library did not make, `#onMicrotasksDrained` ends its turn.
    this.#watch()
  }

  /**
   * @internal Called while code of `holder`, a task or the frame of a scope, is running: the loop runs no other
   * task or callback before this code waits, even if other code of the same task waits already. Does nothing if the
   * loop already holds back other tasks for a holder.
   */
  holdFor(holder: Task | Frame): void {
    if (this.#holder !== null) return
    this.#holder = holder
    this.monitor?.turnBegan()
    this.#watch()
  }

  /**
   * @internal Records that the code of `holder`, a task or the frame of a scope, has begun to wait. If the loop holds
   * back all other tasks and callbacks for `holder`, the loop can run them again. Otherwise this method does nothing.
   */
  release(holder: Task | Frame): void {
    if (this.#holder !== holder || this.#isTurnHeld) return
    this.#holder = null
    this.monitor?.turnEnded(holder)
    // The next turn begins in a later microtask and not inside this call, because code of `holder` may be on the stack.
    // For example, code that itself calls `then` of a future begins a wait, and so causes this call.
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
  }

  /** @internal Calls `callback` when the task or callback that the loop runs now has begun to wait or has ended. */
  atTurnEnd(callback: () => void): void {
    this.#turnEnd.push(callback)
    this.#watch()
  }

  /**
   * @internal Called while code of `holder`, a task or the frame of a scope, is running: the loop runs no other task or
   * callback before no microtask is left, even if this code waits earlier.
   */
  holdTurn(holder: Task | Frame): void {
    if (this.#holder === null) this.monitor?.turnBegan()
    this.#holder = holder
    this.#isTurnHeld = true
    if (this.#isHeldToEnd) return
    this.#isHeldToEnd = true
    // If this method is called inside a callback of Node, `nextTick` calls back before the microtasks run. So it is
    // called in a microtask.
    void microtask.then(() => nextTick(this.#endHeldTurn))
  }

  /**
   * @internal Called when the turn is about to resume code of `holder`, a task or the frame of a scope: the loop runs no
   * other task or callback before no microtask is left that this code, or code that descends from it, has queued. Until
   * then, `trail` tells which code descends from it.
   */
  followTurn(holder: Task | Frame): void {
    if (this.#isTurnHeld) {
      // A turn of another loop resumes this code, which has waited on a future of that loop.
      this.holdWithoutTrail(holder)
      return
    }
    this.#holder = holder
    this.#isTurnHeld = true
    this.trail.begin(this.#endTrail)
  }

  /**
   * @internal Called when code of `holder`, a task or the frame of a scope, runs that gets a cancel, or is in its
   * clean-up, but that is not the code that this turn has resumed, or is not the only such code. The trail cannot show
   * which code descends from it. So from now on all code of this turn counts as such code, and the turn ends only when
   * no microtask is left.
   */
  holdWithoutTrail(holder: Task | Frame): void {
    this.trail.drop()
    this.holdTurn(holder)
  }

  readonly #endTrail = (): void => {
    if (!this.#isHeldToEnd) this.#endHeldTurn()
  }

  readonly #endHeldTurn = (): void => {
    this.trail.drop()
    this.#isTurnHeld = false
    this.#isHeldToEnd = false
    this.#onMicrotasksDrained()
  }

  #endTurn(): void {
    for (
      let callback = this.#turnEnd.pop();
      callback !== undefined;
      callback = this.#turnEnd.pop()
    ) {
      callback()
    }
  }

  /**
   * @internal Records that `task` has ended, so that the loop can run other tasks and callbacks. No code of the task is
   * on the stack, so this call itself runs them.
   */
  releaseEnded(task: Task): void {
    if (this.#holder !== task || this.#isTurnHeld) return
    this.#holder = null
    this.monitor?.turnEnded(task)
    if (this.#scheduled || !this.#hasWork()) return
    this.#scheduled = true
    this.#enterDrain()
  }

  #hasWork(): boolean {
    return this.#ready.size > 0 || this.#timersDue || this.#roundEnd !== null
  }

  /**
   * Called when there is new work: makes sure that `#drain` will run. If the running code belongs to a task that has
   * continued after an await of a foreign promise (a promise that this library did not make), this task becomes the
   * holder of the loop: no other task runs before the code of this task waits again. Otherwise another task could run
   * when this code has made a future and has not yet awaited it, and a cancel by that task would not find the wait.
   *
   * If other code of the same scope or task waits already, the running code is most often a callback, such as one that
   * ends the future of this wait. The task does not become the holder then, because the loop would continue only when
   * no microtask is left, which makes such a wait 1.6 times as long. A cancel finds at least the wait that has begun.
   */
  #wake(): void {
    if (this.#holder === null) {
      if (this.#scheduled) return
      const frame = currentFrame()
      if (frame?.task == null || frame.hasOwnWaits() || frame.loop !== (this as unknown)) {
        this.#schedule()
        return
      }
      this.#holder = frame.task
      this.monitor?.turnBegan()
    }
    this.#watch()
  }

  #schedule(): void {
    this.#scheduled = true
    void microtask.then(this.#enterDrain)
  }

  readonly #enterDrain = (): void => {
    // oxlint-disable-next-line typescript/unbound-method -- the function is called with the second argument as its `this`
    this.outside.runInAsyncScope(this.#drain, this)
  }

  #drain(): void {
    if (this.#isTurnHeld) {
      this.#scheduled = false
      return
    }
    for (;;) {
      if (this.#turnEnd.length > 0) this.#endTurn()
      if (this.#round === 0) this.#startRound()
      if (this.#ready.size === 0) break
      if (++this.#turns % turnsPerClockRead === 0 && this.#mustLetIOIn()) {
        this.#letIOIn()
        return
      }
      this.#round--
      this.#run(this.#ready.shift() as Runnable)
      leaveTrail()
      if (this.#holder !== null) {
        // The holder is the task or scope that was just resumed. Its code runs in the microtasks that follow. When it
        // waits or ends, `release` or `releaseEnded` runs the next entry. `#watch` does so if the code awaits a promise
        // that this library did not make, because then neither is called.
        if (this.#hasWork()) this.#watch()
        break
      }
    }
    this.#scheduled = false
  }

  /**
   * Runs one entry of the ready queue. An error that the entry throws is reported; otherwise the error would stop the
   * loop.
   */
  #run(entry: Runnable): void {
    try {
      entry.run()
    } catch (exception) {
      this.reportCallback(exception)
    }
  }

  /**
   * Begins a round, which runs all entries that are now in the ready queue. Before that, puts the timers that are due
   * into the queue, behind the other entries, as each iteration of asyncio's loop does.
   */
  #startRound(): void {
    const roundEnd = this.#roundEnd
    if (roundEnd !== null) {
      this.#roundEnd = null
      roundEnd()
    }
    if (this.#timersDue) {
      this.#timersDue = false
      this.#timers.takeDue((due) => this.#ready.push(due))
    }
    this.#round = this.#ready.size
  }

  /**
   * @internal Calls `callback` at the end of the current round: when all tasks and callbacks that were in the ready
   * queue at the beginning of the round have run. `stop()` of asyncio's loop takes effect at the same point.
   * `atRoundEnd` must be called by a task or callback that the loop runs.
   */
  atRoundEnd(callback: () => void): void {
    this.#roundEnd = callback
  }

  /**
   * Whether the loop must pause now so that I/O is handled.
   *
   * A burst is a series of turns without a pause. The scheduler cannot see whether Node has handled I/O during a burst.
   * So at the end of a burst the scheduler asks Node to call `#onIO` when I/O was handled, and a second burst begins.
   * If Node calls `#onIO` during the second burst, the loop need not pause, and a new first burst begins. If the second
   * burst ends without that call, the loop has kept I/O waiting, and must pause.
   */
  #mustLetIOIn(): boolean {
    if (this.clock.virtual) return this.#turns % turnsPerVirtualBurst === 0
    const now = machineTime()
    this.#roughTime = Math.trunc(now)
    if (now - this.#burstStart <= burstLength) return false
    if (this.#awaitsIO) return true
    this.#awaitsIO = true
    this.#burstStart = now
    this.clock.yieldToIO(this.#onIO)
    return false
  }

  readonly #onIO = (): void => {
    this.#awaitsIO = false
    this.#burstStart = machineTime()
  }

  #letIOIn(): void {
    this.clock.yieldToIO(() => {
      this.#burstStart = machineTime()
      this.#schedule()
    })
  }

  /**
   * Makes sure that the loop does not hold back other tasks while its holder (the task or scope whose code runs now)
   * awaits a foreign promise (a promise that this library did not make). Such an `await` does not call `release`. So
   * `nextTick` calls back, usually when no microtask is left. A holder that was not released by then is probably
   * awaiting a foreign promise, and stops being the holder.
   */
  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    nextTick(this.#onMicrotasksDrained)
  }

  readonly #onMicrotasksDrained = (): void => {
    this.#watching = false
    this.#isRoughTimeNew = false
    if (this.#isTurnHeld) return
    if (this.#holder !== null) this.monitor?.turnEnded(this.#holder)
    this.#holder = null
    if (this.#turnEnd.length > 0) this.#endTurn()
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
  }

  /** @internal Returns the timers that are set, in no particular order. */
  listTimers(): TimerEntry[] {
    return this.#timers.list()
  }

  /** @internal */
  addTimer(entry: TimerEntry, deadline: number): void {
    // `add` returns true if the timer is due already. Then the clock need not wake the loop: `#onAlarm` makes the loop
    // move the timer to the ready queue before the next round, as in asyncio.
    if (this.#timers.add(entry, deadline)) this.#onAlarm()
  }

  /** @internal */
  removeTimer(entry: TimerEntry): void {
    this.#timers.remove(entry)
  }

  readonly #onAlarm = (): void => {
    this.#timersDue = true
    this.#wake()
  }

  readonly #isIdle = (): boolean =>
    this.#ready.size === 0 &&
    !this.#scheduled &&
    !this.#watching &&
    !this.#isTurnHeld &&
    this.#nextTurn.length === 0
}
