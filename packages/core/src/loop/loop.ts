import { checkDelay, checkOptions, describe } from '../arguments.ts'
import type { AsyncResource } from 'node:async_hooks'
import { currentScope, makeAsyncContext } from '../context/async-context.ts'
import { type Clock, isClock, SystemClock } from './clock.ts'
import { type Context, contextOf, rootContext } from '../context/context-vars.ts'
import { type Awaitable, type Coroutine, type CoroutineFunction } from '../tasks/coroutine.ts'
import { checkLoop, getEventLoop, installLoopClass } from '../context/current.ts'
import { DebugMonitor } from './debug-monitor.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { RuntimeError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { Handle, TimerHandle } from './handle.ts'
import { ReadyQueue, type Runnable, type Schedule } from './ready-queue.ts'
import { SignalHandlers } from './signal-handlers.ts'
import { createTask, type Task, type TaskOptions } from '../tasks/task.ts'
import { type TimerEntry, TimerHeap } from './timer-heap.ts'
import { Failures } from '../futures/unretrieved.ts'

/** What an exception handler is told. */
export interface ExceptionContext {
  message: string
  exception?: unknown
  task?: Task
  future?: Future<unknown>
  handle?: Handle
}

export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void

const microtask = Promise.resolve()

/** After so long the loop asks whether timers and I/O have had a turn, after as long again it lets them in; and how many turns go by between two looks at the clock. */
const burstLength = 1
const turnsPerLook = 8
/** In virtual time a program must take the same course on every machine: so many turns go by instead. */
const turnsPerVirtualBurst = 1_024

/**
 * Runs tasks and callbacks, first in, first out, in microtasks; timers and I/O get a turn every few
 * milliseconds.
 *
 * A turn is one entry of the ready queue. When it resumes a task, that task holds the loop: the next
 * turn begins when it waits on a pending future or ends, as a step of asyncio does, so what a task
 * does in between is never interleaved with the turns of others, however many awaits of finished
 * things it makes. A task that awaits a foreign promise cannot be seen doing so; it loses the loop when
 * the microtask queue has run dry.
 *
 * Source: asyncio's event loop. Differs: it dispatches callbacks and tasks from the moment it is made, so that
 * plain code can use everything without running a loop; `runForever` and `runUntilComplete` wait.
 */
export class EventLoop {
  /** Callbacks and turns longer than this are reported in debug mode; milliseconds. */
  slowCallbackDuration = 100
  /** @internal the futures that failed and that nobody has looked at */
  readonly failures: Failures = new Failures(this)
  /** @internal in debug mode */
  monitor: DebugMonitor | null = null
  /** What the loop runs must not see the scope of whoever woke it. */
  readonly #outside: AsyncResource = makeAsyncContext({
    scopeTask: null,
    scopeLoop: this,
    scopeContext: rootContext,
  })
  readonly #clock: Clock
  readonly #ready: ReadyQueue
  readonly #timers = new TimerHeap()
  /** Entries left of this round: timers that are due join the queue between two rounds. */
  #round = 0
  #timersDue = false
  #holder: Task | null = null
  /** A drain is on its way, or one is running. */
  #scheduled = false
  #watching = false
  #turns = 0
  #burstStart = 0
  #awaitsIO = false
  #nextTurn: Runnable[] = []
  #tasks: Task | null = null
  #tasksMade = 0
  #exceptionHandler: ExceptionHandler | null = null
  #closed = false
  #running: Future<void> | null = null
  #roundEnd: (() => void) | null = null
  readonly #shutdownHooks = new Set<() => PromiseLike<void>>()
  readonly #signalHandlers = new SignalHandlers()

  /** @internal use newEventLoop */
  constructor(options?: { clock?: Clock; schedule?: Schedule }) {
    this.#clock = options?.clock ?? new SystemClock()
    this.#ready = new ReadyQueue(options?.schedule)
  }

  /** Milliseconds of this loop's clock; never goes back. */
  time(): number {
    return this.#clock.now()
  }

  /**
   * Calls `cb` in a turn of its own, in `context`, by default a copy of the current one.
   *
   * @throws {RuntimeError} when the loop is closed
   */
  callSoon(cb: () => void, options?: { context?: Context }): Handle {
    this.#assertCallback(cb)
    const handle = new Handle(this, cb, contextOf(options))
    this.push(handle)
    return handle
  }

  /** Calls `cb` after `delay` milliseconds; less than 0 is 0, Infinity is never. @throws {TypeError} for NaN */
  callLater(delay: number, cb: () => void, options?: { context?: Context }): TimerHandle {
    return this.callAt(this.time() + checkDelay(delay), cb, options)
  }

  /** Calls `cb` when `time()` has reached `when`. @throws {TypeError} for NaN */
  callAt(when: number, cb: () => void, options?: { context?: Context }): TimerHandle {
    this.#assertCallback(cb)
    if (typeof when !== 'number' || Number.isNaN(when)) {
      throw new TypeError(`the time must be a number of milliseconds, got ${describe(when)}`)
    }
    const handle = new TimerHandle(this, cb, contextOf(options), when)
    this.addTimer(handle, when)
    return handle
  }

  /** @internal for `timelineOf` */
  get timeline(): object {
    return this.#clock instanceof SystemClock ? SystemClock : this.#clock
  }

  createFuture<T>(): Future<T> {
    return new Future<T>({ loop: this })
  }

  createTask<T>(
    coro: CoroutineFunction<[], T> | Coroutine<T>,
    options?: Omit<TaskOptions, 'loop'>,
  ): Task<T> {
    return createTask(coro, { ...options, loop: this })
  }

  /**
   * Runs until `awaitable` has ended, with its outcome.
   *
   * @throws {TypeError} at once, when it is nothing that can be awaited
   * @throws {RuntimeError} when the loop is running or closed, or is stopped before the end
   */
  runUntilComplete<T>(awaitable: Awaitable<T>): Promise<T> {
    checkAwaitable(awaitable)
    return this.#runUntilComplete(awaitable)
  }

  async #runUntilComplete<T>(awaitable: Awaitable<T>): Promise<T> {
    this.#assertRunnable()
    const future = ensureFuture(awaitable, { loop: this })
    const stopped = this.#begin()
    const reaction = future.onDone(() => this.stop())
    await stopped
    future.removeReaction(reaction)
    if (!future.done())
      throw new RuntimeError('the event loop was stopped before the future was done')
    return future.result()
  }

  /** Runs until `stop()`. @throws {RuntimeError} when the loop is running or closed */
  async runForever(): Promise<void> {
    this.#assertRunnable()
    await this.#begin()
  }

  async #begin(): Promise<void> {
    const stopped = new Future<void>({ loop: this })
    this.#running = stopped
    await stopped
    this.#running = null
  }

  /** Ends `runForever` or `runUntilComplete` after the turns that are ready. */
  stop(): void {
    if (this.#running?.done() === false) this.#running.setResult()
  }

  isRunning(): boolean {
    return this.#running !== null
  }

  /**
   * Drops what is ready and all timers; nothing can be scheduled any more. Closing twice does nothing.
   *
   * @throws {RuntimeError} when it is running
   */
  close(): void {
    if (this.isRunning()) throw new RuntimeError('cannot close a running event loop')
    this.#closed = true
    this.#ready.drop()
    this.#timers.clear()
    this.#clock.stop()
    this.#signalHandlers.clear()
    this.#shutdownHooks.clear()
  }

  isClosed(): boolean {
    return this.#closed
  }

  /** Null: the default handler. */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && typeof handler !== 'function') {
      throw new TypeError(
        `an exception handler must be a function or null, got ${describe(handler)}`,
      )
    }
    this.#exceptionHandler = handler
  }

  getExceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler
  }

  /** Where every exception goes that no code is there to catch. A handler that throws is reported by the default one. */
  callExceptionHandler(context: ExceptionContext): void {
    if (typeof (context as Partial<ExceptionContext> | null | undefined)?.message !== 'string') {
      throw new TypeError(
        `callExceptionHandler takes { message, … } with a string, got ${describe(context)}`,
      )
    }
    const handler = this.#exceptionHandler
    if (handler === null) {
      this.defaultExceptionHandler(context)
      return
    }
    try {
      const owner = context.task ?? context.handle
      if (owner === undefined) handler(this, context)
      else
        owner
          .getContext()
          .copy()
          .run(() => handler(this, context))
    } catch (exception) {
      this.defaultExceptionHandler({ message: 'Unhandled error in exception handler', exception })
      this.defaultExceptionHandler(context)
    }
  }

  /** Prints one readable block with console.error. */
  defaultExceptionHandler(context: ExceptionContext): void {
    const lines = [context.message]
    if (context.task !== undefined) lines.push(`task: ${context.task.name}`)
    // oxlint-disable-next-line eslint/no-console -- the last resort: an error is never swallowed
    console.error(lines.join('\n'), ...('exception' in context ? ['\n', context.exception] : []))
  }

  /** Debug mode reports slow turns, cancels that foreign awaits delay, and work that outlives its task. */
  setDebug(on: boolean): void {
    this.monitor = on ? new DebugMonitor(this) : null
  }

  getDebug(): boolean {
    return this.monitor !== null
  }

  /**
   * Calls `cb` in a turn of the loop when the process gets `signal`; a former handler is replaced.
   *
   * @throws {TypeError} when there is no such signal
   */
  addSignalHandler(signal: NodeJS.Signals, cb: () => void): void {
    this.#assertCallback(cb)
    this.#signalHandlers.add(signal, () => this.callSoon(cb))
  }

  /** Whether there was one to remove. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signalHandlers.remove(signal)
  }

  /** Runs `hook` when `run` ends, after all tasks have; returns what takes it out again. */
  addShutdownHook(hook: () => PromiseLike<void>): () => void {
    if (typeof hook !== 'function') {
      throw new TypeError(`a shutdown hook must be a function, got ${describe(hook)}`)
    }
    this.#shutdownHooks.add(hook)
    return () => {
      this.#shutdownHooks.delete(hook)
    }
  }

  /** @internal the hooks, last added first, each removed as it is taken */
  takeShutdownHooks(): (() => PromiseLike<void>)[] {
    const hooks = [...this.#shutdownHooks].toReversed()
    this.#shutdownHooks.clear()
    return hooks
  }

  /** @internal */
  assertOpen(): void {
    if (this.#closed) throw new RuntimeError('the event loop is closed')
  }

  #assertCallback(cb: unknown): void {
    this.assertOpen()
    if (typeof cb !== 'function')
      throw new TypeError(`a callback must be a function, got ${describe(cb)}`)
  }

  #assertRunnable(): void {
    this.assertOpen()
    if (this.isRunning()) throw new RuntimeError('this event loop is already running')
    if (currentScope() !== undefined) {
      throw new RuntimeError(
        'cannot run an event loop from inside a task or callback: await instead',
      )
    }
  }

  /** @internal */
  push(entry: Runnable): void {
    if (this.#closed) return
    this.#ready.push(entry)
    if (this.#holder !== null) this.#watch()
    else if (!this.#scheduled) this.#schedule()
  }

  /** @internal how many entries it has run */
  get turns(): number {
    return this.#turns
  }

  /** @internal one full turn of the loop, I/O included */
  pushAfterIO(entry: Runnable): void {
    if (this.#clock.virtual) {
      this.push(entry)
      return
    }
    this.#nextTurn.push(entry)
    if (this.#nextTurn.length > 1) return
    this.#clock.yieldToIO(() => {
      const entries = this.#nextTurn
      this.#nextTurn = []
      for (const each of entries) this.push(each)
    })
  }

  /** @internal `task` is resumed by the running turn */
  hold(task: Task): void {
    this.#holder = task
    this.monitor?.turnBegan()
  }

  /** @internal `task` waits; not an end of its turn when another one has the loop */
  release(task: Task): void {
    if (this.#holder !== task) return
    this.#holder = null
    this.monitor?.turnEnded(task)
    // Not at once: this may be a call of `then` in the middle of the task's code.
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
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

  #schedule(): void {
    this.#scheduled = true
    void microtask.then(this.#enterDrain)
  }

  readonly #enterDrain = (): void => {
    // oxlint-disable-next-line typescript/unbound-method -- `this` is the second argument
    this.#outside.runInAsyncScope(this.#drain, this)
  }

  #drain(): void {
    for (;;) {
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
      this.callExceptionHandler({ message: 'Exception in a callback of the loop', exception })
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
      const now = this.#clock.now()
      for (let due = this.#timers.takeDue(now); due !== null; due = this.#timers.takeDue(now)) {
        this.#ready.push(due)
      }
      this.#setAlarm()
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
    if (this.#clock.virtual) return this.#turns % turnsPerVirtualBurst === 0
    const now = performance.now()
    if (now - this.#burstStart <= burstLength) return false
    if (this.#awaitsIO) return true
    this.#awaitsIO = true
    this.#burstStart = now
    this.#clock.yieldToIO(this.#onIO)
    return false
  }

  readonly #onIO = (): void => {
    this.#awaitsIO = false
    this.#burstStart = performance.now()
  }

  #letIOIn(): void {
    this.#clock.yieldToIO(() => {
      this.#burstStart = performance.now()
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
    process.nextTick(this.#onMicrotasksDrained)
  }

  readonly #onMicrotasksDrained = (): void => {
    this.#watching = false
    this.#holder = null
    if (!this.#scheduled && this.#hasWork()) this.#schedule()
  }

  /** @internal */
  addTimer(entry: TimerEntry, deadline: number): void {
    this.#timers.push(entry, deadline)
    if (!this.#timers.isFirst(entry)) return
    // Due already: as in asyncio it joins the ready queue between two rounds.
    if (deadline <= this.#clock.now()) this.#onAlarm()
    else this.#setAlarm()
  }

  /** @internal */
  removeTimer(entry: TimerEntry): void {
    const wasFirst = this.#timers.isFirst(entry)
    this.#timers.remove(entry)
    if (wasFirst) this.#setAlarm()
  }

  #setAlarm(): void {
    this.#clock.setAlarm(this.#timers.nextDeadline(), this.#onAlarm, this.#isIdle)
  }

  readonly #onAlarm = (): void => {
    this.#timersDue = true
    if (this.#holder !== null) this.#watch()
    else if (!this.#scheduled) this.#schedule()
  }

  readonly #isIdle = (): boolean =>
    this.#ready.size === 0 && !this.#scheduled && !this.#watching && this.#nextTurn.length === 0

  /** @internal returns the task's number */
  adopt(task: Task): number {
    const first = this.#tasks
    task.nextTask = first
    if (first !== null) first.previousTask = task
    this.#tasks = task
    return ++this.#tasksMade
  }

  /** @internal */
  disown(task: Task): void {
    const { nextTask, previousTask } = task
    if (previousTask === null) this.#tasks = nextTask
    else previousTask.nextTask = nextTask
    if (nextTask !== null) nextTask.previousTask = previousTask
    task.nextTask = null
    task.previousTask = null
  }

  /** @internal all that are not done, oldest first */
  liveTasks(): Task[] {
    const tasks: Task[] = []
    for (let task = this.#tasks; task !== null; task = task.nextTask) tasks.push(task)
    return tasks.toReversed()
  }
}

installLoopClass(EventLoop)

/**
 * What the time of `loop` is a time of: the same object for two loops whose `time()` can be compared. All loops on the
 * system's clock have one timeline; each clock of virtual time is one of its own.
 */
export function timelineOf(loop: EventLoop): object {
  return loop.timeline
}

/** A new loop, on the system's clock unless another is given. Source: asyncio.new_event_loop */
export function newEventLoop(options?: { clock?: Clock }): EventLoop {
  checkOptions(options)
  const clock: unknown = options?.clock
  if (clock !== undefined && !isClock(clock)) {
    throw new TypeError(`the option clock must be a Clock, got ${describe(clock)}`)
  }
  return new EventLoop(options)
}

/** The tasks of `loop`, by default the current one, that are not done. Source: asyncio.all_tasks */
export function allTasks(loop: EventLoop = getEventLoop()): Set<Task> {
  checkLoop(loop)
  return new Set(loop.liveTasks())
}
