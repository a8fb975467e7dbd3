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

/** Milliseconds after which the loop asks whether timers and I/O have had a turn; after as long again it lets them in. */
const burstLength = 1
/** The turns between two looks at the clock. */
const turnsPerLook = 8
/** In virtual time a program must take the same course on every machine, so the loop counts turns instead. */
const turnsPerVirtualBurst = 1_024

/**
 * Decides what runs next: the ready queue, the timers, and when I/O gets its turn.
 *
 * A turn is one entry of the ready queue. When it resumes code of a task, that task holds the loop: the next turn begins
 * when the task waits on a pending future or ends, as a step of asyncio does. So what a task does in between is never
 * interleaved with the turns of others, however many finished things it awaits. A task that awaits a foreign promise
 * cannot be seen doing so; it loses the loop when the microtask queue has run dry.
 *
 * A round is what was ready when the round began. Timers that are due join the queue between two rounds, as in asyncio.
 */
export abstract class Scheduler {
  /** @internal in debug mode */
  monitor: DebugMonitor | null = null
  /** Runs what it is given outside of the scope of the code that woke the loop. */
  protected abstract readonly outside: AsyncResource
  readonly #ready: ReadyQueue
  readonly #timers: Timers
  readonly #isVirtual: boolean
  /** The entries that are left of this round. */
  #round = 0
  #timersDue = false
  #holder: Task | Frame | null = null
  readonly #turnEnd: (() => void)[] = []
  /** A drain is on its way, or one is running. */
  #scheduled = false
  #watching = false
  #turns = 0
  #burstStart = 0
  #awaitsIO = false
  #nextTurn: Runnable[] = []
  #roundEnd: (() => void) | null = null
  /** Milliseconds of the machine's clock, at the last look. */
  #roughTime = 0

  /** @internal use newEventLoop */
  constructor(options?: { clock?: Clock; schedule?: Schedule }) {
    this.#timers = new Timers(options?.clock ?? new SystemClock(), this.#onAlarm, this.#isIdle)
    this.#ready = new ReadyQueue(options?.schedule)
    this.#isVirtual = this.clock.virtual
  }

  /** The clock of what begins now. */
  protected get clock(): Clock {
    return this.#timers.clock
  }

  /** The loop is closed: nothing can be scheduled any more. */
  protected abstract isStopped(): boolean

  /** A callback of the loop's own has thrown. */
  protected abstract reportCallback(exception: unknown): void

  /** Drops what is ready and all timers. */
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

  /** @internal how many entries it has run */
  get turns(): number {
    return this.#turns
  }

  /**
   * @internal the time in whole milliseconds, for the age of a task. A look at the clock would cost a tenth of a task. So
   * there is one look in each round of the platform's loop, and one in several turns.
   */
  roughTime(): number {
    if (this.#isVirtual) return this.clock.now()
    if (!this.#watching && !this.#scheduled) {
      this.#roughTime = Math.trunc(machineTime())
      this.#watch()
    }
    return this.#roughTime
  }

  /** @internal the time that `roughTime` is a rough value of */
  exactTime(): number {
    return this.#isVirtual ? this.clock.now() : machineTime()
  }

  /** @internal when `entry` is due, in milliseconds of the loop's clock; null if it is not set */
  deadlineOf(entry: TimerEntry): number | null {
    return this.#timers.deadlineOf(entry)
  }

  /** @internal one full turn of the loop, I/O included */
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

  /** @internal the running turn resumes code of `holder` */
  hold(holder: Task | Frame): void {
    this.#holder = holder
    this.monitor?.turnBegan()
  }

  /** @internal running code of `holder` goes on before any other turn, even if another flow of it waits already */
  holdFor(holder: Task | Frame): void {
    if (this.#holder !== null) return
    this.#holder = holder
    this.#watch()
  }

  /** @internal code of `holder` waits; that does not end the turn of another holder */
  release(holder: Task | Frame): void {
    if (this.#holder !== holder) return
    this.#holder = null
    if (this.monitor !== null && 'name' in holder) this.monitor.turnEnded(holder)
    // Not at once: this may be a call of `then` in the middle of the task's code.
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
  }

  /** @internal calls `callback` when all code of the running turn has run */
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

  /** @internal `task` has ended, and none of its code is on the stack: the next turn can begin at once */
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
   * There is work. Code of a task that has come back from a foreign await, and has made that work, goes on first: it may
   * be about to await what it has just begun, and a pending cancel must find that wait.
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
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    this.outside.runInAsyncScope(this.#drain, this)
  }

  #drain(): void {
    for (;;) {
      if (this.#turnEnd.length > 0) this.#endTurn()
      if (this.#round === 0) this.#startRound()
      if (this.#ready.size === 0) break
      if (++this.#turns % turnsPerLook === 0 && this.#mustLetIOIn()) {
        this.#letIOIn()
        return
      }
      this.#round--
      this.#run(this.#ready.shift() as Runnable)
      if (this.#holder !== null) {
        // The task's code runs in the microtasks that come.
        if (this.#hasWork()) this.#watch()
        break
      }
    }
    this.#scheduled = false
  }

  /** What a library's own callback throws must not take the loop down. */
  #run(entry: Runnable): void {
    try {
      entry.run()
    } catch (exception) {
      this.reportCallback(exception)
    }
  }

  /** As each iteration of asyncio's loop: timers that are due go behind what is ready. */
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

  /** @internal calls back between this round and the next, where asyncio's loop stops; only from a turn */
  atRoundEnd(callback: () => void): void {
    this.#roundEnd = callback
  }

  /**
   * After a while without a look it cannot tell whether I/O has had its turn meanwhile: a loop that I/O
   * has woken begins after one. So it first asks to be told of the next, and gives way to it when it has
   * not come after as long again.
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
   * Takes the loop from a holder that does not come back. A tick runs when no microtask is left, and
   * so the holder must be waiting for something that is not ours.
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

  /** @internal */
  addTimer(entry: TimerEntry, deadline: number): void {
    // One that is due already joins the ready queue between two rounds, as in asyncio.
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
