import type { AsyncResource } from 'node:async_hooks'
import { currentFrame } from '../context/current.ts'
import type { Frame } from '../tasks/frame.ts'
import type { Task } from '../tasks/task.ts'
import { type Clock, machineTime, nextTick, SystemClock } from './clock.ts'
import type { DebugMonitor } from './debug-monitor.ts'
import { ReadyQueue, type Runnable, type Schedule } from './ready-queue.ts'
import type { TimerEntry } from './timer-heap.ts'
import { Timers } from './timers.ts'

const microtask = Promise.resolve()

/**
 * The length of a burst in milliseconds. A burst is a series of turns without a pause. After a burst, the loop asks
 * Node for a callback that Node calls after it has handled I/O. If the callback has not come at the end of the next
 * burst, the loop pauses, so that Node can handle I/O.
 */
const burstLength = 1
/** The scheduler reads the clock once in this many turns. */
const turnsPerClockRead = 8
/**
 * The number of turns in a burst in virtual time. In virtual time, turns are counted and the real clock is not used,
 * because a program must run the same way on every machine.
 */
const turnsPerVirtualBurst = 1_024

/**
 * Decides what runs next: an entry of the ready queue, a timer, or I/O.
 *
 * A turn runs one entry of the ready queue. When a turn resumes the code of a task, the task becomes the holder of the
 * loop: the next turn begins only when this task waits on a pending future, or ends. A step of a task in asyncio ends
 * at the same points. So the turns of two tasks are never interleaved, even if a task awaits many futures that have
 * ended already. The scheduler cannot see that a task awaits a foreign promise (a promise that this library did not
 * make). Such a task stops being the holder when the microtask queue is empty.
 *
 * A round runs all entries that were in the ready queue when the round began. Between two rounds, the timers that are
 * due are put into the queue, as in asyncio.
 */
export abstract class Scheduler {
  /** @internal the monitor of debug mode; null when debug mode is off */
  monitor: DebugMonitor | null = null
  /**
   * The asynchronous context (the values of every AsyncLocalStorage) in which the loop runs its turns. Without it, a
   * turn would see the values of the code that woke the loop.
   */
  protected abstract readonly outside: AsyncResource
  readonly #ready: ReadyQueue
  readonly #timers: Timers
  readonly #isVirtual: boolean
  /**
   * The number of entries that are left in this round. A round runs all entries that were in the ready queue when it
   * began.
   */
  #round = 0
  #timersDue = false
  #holder: Task | Frame | null = null
  readonly #turnEnd: (() => void)[] = []
  /** Whether `#drain`, which runs the turns, is scheduled or running now. */
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

  /** @internal use newEventLoop */
  constructor(options?: { clock?: Clock; schedule?: Schedule }) {
    this.#timers = new Timers(options?.clock ?? new SystemClock(), this.#onAlarm, this.#isIdle)
    this.#ready = new ReadyQueue(options?.schedule)
    this.#isVirtual = this.clock.virtual
  }

  /**
   * The clock for timers that are set now. It is a second clock while a test has replaced the global timer functions.
   */
  protected get clock(): Clock {
    return this.#timers.clock
  }

  /** Whether the loop is closed, so that nothing can be scheduled any more. */
  protected abstract isStopped(): boolean

  /** Reports `exception`, which the `run()` of an entry of the ready queue has thrown. */
  protected abstract reportCallback(exception: unknown): void

  /** Empties the ready queue and removes all timers. */
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

  /** @internal how many turns this loop has run */
  get turns(): number {
    return this.#turns
  }

  /**
   * @internal Returns a rough time in whole milliseconds, from which the age of a task is computed. Reading the clock
   * for each new task would add about 10% to the cost of creating it. So the scheduler reads the clock only once in
   * each round of Node's loop, and once every few turns.
   */
  roughTime(): number {
    if (this.#isVirtual) return this.clock.now()
    if (!this.#watching && !this.#scheduled) {
      this.#roughTime = Math.trunc(machineTime())
      this.#watch()
    }
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

  /** @internal Puts `entry` in the ready queue after Node has handled I/O. In virtual time, puts it there at once. */
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
   * @internal Records that the running turn resumes the code of `holder`. No other turn begins until `release(holder)`
   * is called.
   */
  hold(holder: Task | Frame): void {
    this.#holder = holder
    this.monitor?.turnBegan()
  }

  /**
   * @internal Makes `holder`, whose code is running, the holder of the loop, so that no other turn begins before this
   * code waits. This holds even if other code of the same task waits already. Does nothing if the loop has a holder
   * already.
   */
  holdFor(holder: Task | Frame): void {
    if (this.#holder !== null) return
    this.#holder = holder
    this.#watch()
  }

  /**
   * @internal Records that the code of `holder` has begun to wait, and so ends the turn of `holder`. Does nothing if
   * the loop has another holder.
   */
  release(holder: Task | Frame): void {
    if (this.#holder !== holder) return
    this.#holder = null
    if (this.monitor !== null && 'name' in holder) this.monitor.turnEnded(holder)
    // The next turn begins in a microtask and not here, because this may be a call of `then` in the middle of the
    // task's code.
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
  }

  /** @internal Calls `callback` at the end of the running turn, when all code of the turn has run. */
  atTurnEnd(callback: () => void): void {
    this.#turnEnd.push(callback)
    this.#watch()
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
   * @internal Records that `task` has ended. No code of the task is on the stack, so the next turn begins inside this
   * call.
   */
  releaseEnded(task: Task): void {
    if (this.#holder !== task) return
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
   * holder, so its code continues before the next turn. Otherwise a turn could run after this code has made a future
   * and before it awaits the future, and a cancel in that turn would not find the wait.
   */
  #wake(): void {
    if (this.#holder === null) {
      if (this.#scheduled) return
      const frame = currentFrame()
      if (frame?.task == null || frame.scopeLoop !== (this as unknown)) {
        this.#schedule()
        return
      }
      this.#holder = frame.task
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
      if (this.#holder !== null) {
        // The holder's code runs in the microtasks that follow. `release` begins the next turn.
        if (this.#hasWork()) this.#watch()
        break
      }
    }
    this.#scheduled = false
  }

  /** Runs one entry. An error of its `run()` is reported; otherwise it would stop the loop. */
  #run(entry: Runnable): void {
    try {
      entry.run()
    } catch (exception) {
      this.reportCallback(exception)
    }
  }

  /**
   * Begins a round: puts the timers that are due into the ready queue, behind the entries that are there. Each
   * iteration of asyncio's loop does the same.
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
   * @internal Calls `callback` between this round and the next: when all entries that were in the ready queue at the
   * beginning of this round have run; `stop()` of asyncio's loop takes effect at the same point. Must be called in a
   * turn.
   */
  atRoundEnd(callback: () => void): void {
    this.#roundEnd = callback
  }

  /**
   * Whether the loop must pause now so that I/O is handled.
   *
   * The scheduler cannot see whether Node has handled I/O since the burst began. So after a burst the scheduler asks
   * Node to call `#onIO` after it has handled I/O, and `#onIO` begins a new burst. If Node has not called `#onIO` when
   * the next burst is over, the loop has kept I/O waiting, and must pause.
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
   * Makes sure that a task does not stay the holder of the loop while it awaits a foreign promise (a promise that this
   * library did not make). `nextTick` calls back when no microtask is left. A holder that has neither waited on a
   * future nor ended by then must be awaiting a foreign promise.
   */
  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    nextTick(this.#onMicrotasksDrained)
  }

  readonly #onMicrotasksDrained = (): void => {
    this.#watching = false
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
    // If the timer is due already, no alarm is needed: it is put into the ready queue between this round and the next,
    // as in asyncio.
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
    this.#ready.size === 0 && !this.#scheduled && !this.#watching && this.#nextTurn.length === 0
}
