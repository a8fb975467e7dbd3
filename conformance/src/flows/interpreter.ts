import {
  coroutine,
  createTask,
  type EventLoop,
  getRunningLoop,
  isCancelled,
  moveOnAfter,
  RuntimeError,
  shielded,
  type Task,
  taskGroup,
  taskSignal,
  TimeoutError,
  timeout,
  wait,
  waitFor,
} from '@tasktree/core'
import { printWait } from './print.ts'
import {
  countEndless,
  longest,
  type Mode,
  type Program,
  someStatement,
  type Statement,
  type WaitKind,
} from './program.ts'
import { bodySteps, type Place, steps } from './steps.ts'
import { Flow, Trace, type TracedScope } from './trace.ts'
import { abortable, abortError, foreign, isAbort, startWait } from './waits.ts'

class ProgramError extends Error {
  override readonly name: string = 'ProgramError'
}

interface LiveTask {
  readonly task: Task<void>
  readonly scope: TracedScope
}

/** The statements that start a second flow of control in their task, or that may cancel a task more than once. */
const flowStatements: ReadonlySet<string> = new Set([
  'all',
  'allSettled',
  'race',
  'float',
  'group',
  'child',
])

function hasOneFlow(body: readonly Statement[]): boolean {
  return !someStatement(body, ([name]) => flowStatements.has(name))
}

/** Runs one program and reports each event to the trace, which checks the rules. */
export class FlowInterpreter {
  readonly trace: Trace
  readonly #program: Program
  readonly #mode: Mode
  /** The tasks that the program itself lists. */
  readonly #tasks: LiveTask[] = []
  /** All tasks that have not ended: the tasks that the program lists, and the tasks that these have made. */
  readonly #live = new Set<LiveTask>()
  #loop: EventLoop | null = null
  #lastTime = 0

  constructor(program: Program, mode: Mode) {
    this.#program = program
    this.#mode = mode
    this.trace = new Trace(() => this.#now(), mode === 'virtual')
  }

  /** The loop's time; after the loop is closed, the time at which it was last read. */
  #now(): number {
    if (this.#loop?.isClosed() === false) this.#lastTime = this.#loop.time()
    return this.#lastTime
  }

  /** The main function of the run. */
  async main(): Promise<void> {
    const loop = getRunningLoop()
    this.#loop = loop
    // A program may leave errors that it never retrieves. The loop must not report them.
    loop.setExceptionHandler(() => {})
    for (const [index, { body, generator }] of this.#program.tasks.entries()) {
      const name = `task${index}`
      const scope = this.trace.beginScope('task', null, { name, singleFlow: hasOneFlow(body) })
      this.#tasks.push({ scope, task: this.#start(scope, body, generator) })
    }
    for (const { at, task } of this.#program.cancels) {
      loop.callLater(at, () => this.#cancel(this.#tasks[task]))
    }
    await this.#end()
    this.trace.closing()
  }

  /** Waits for the tasks, and cancels the tasks that wait without an end. */
  async #end(): Promise<void> {
    const tasks = this.#tasks.map(({ task }) => task)
    const bodies = this.#program.tasks.map(({ body }) => body)
    const cancels = this.#program.cancels.at(-1)?.at ?? 0
    const patience = bodies.reduce((sum, body) => sum + longest(body), cancels) + 10
    let rounds = bodies.reduce((sum, body) => sum + countEndless(body), 10)
    await wait(tasks, { timeout: patience })
    const waitForAll = async (): Promise<void> => {
      const live = [...this.#live].map(({ task }) => task)
      if (live.length > 0) await wait(live, { timeout: patience })
    }
    const cancelAll = async (): Promise<void> => {
      for (; rounds > 0 && this.#live.size > 0; rounds--) {
        for (const { scope } of this.#live) this.trace.checkStuck(scope, patience)
        // This loop cancels each task by itself, because a group that waits for its tasks does not pass a second cancel on to them.
        for (const live of this.#live) this.#cancel(live)
        await waitForAll()
      }
    }
    await waitForAll()
    await cancelAll()
    // Some flows outlive their task. During this wait such a flow goes on, unless core refuses its waits, and it may create tasks. In
    // real time the wait is cut into 20 short waits. After a pause of the machine, the timer of one long wait would fire together
    // with the first timer of a flow, and the later timers of that flow would get no time.
    const turns = this.#mode === 'real' ? 20 : 1
    for (let i = 0; i < turns; i++) await this.foreign(Math.ceil(patience / turns))
    await cancelAll()
    for (const { scope } of this.#live) {
      this.trace.fault('I4', `${scope.name} hangs after every cancel`)
    }
  }

  #cancel(target: LiveTask | undefined): void {
    if (target === undefined || target.task.done()) return
    this.trace.strike(target.scope, 'is cancelled')
    target.task.cancel()
  }

  #start(scope: TracedScope, body: Statement[], generator: boolean): Task<void> {
    const place: Place = { flow: new Flow(null), scope, group: null }
    const task = createTask(
      generator ? () => bodySteps(this, body, place) : async () => this.#body(body, place),
      { name: scope.name },
    )
    this.#watch(task, scope)
    return task
  }

  #watch(task: Task<void>, scope: TracedScope): void {
    const live: LiveTask = { task, scope }
    this.#live.add(live)
    task.addDoneCallback(() => {
      this.#live.delete(live)
      const how = task.cancelled() ? 'cancelled' : task.exception() === null ? 'done' : 'failed'
      this.trace.endScope(scope, scope.surelyStruck, how)
    })
  }

  /** Runs the body of the scope `place.scope`, and tells the trace when the body has ended. */
  async #body(block: readonly Statement[], place: Place): Promise<void> {
    try {
      await this.#block(block, place)
    } finally {
      this.trace.bodyEnds(place.scope)
    }
  }

  async #block(block: readonly Statement[], place: Place): Promise<void> {
    for (const statement of block) await this.statement(statement, place)
  }

  async statement(statement: Statement, place: Place): Promise<void> {
    switch (statement[0]) {
      case 'wait':
        return this.#wait(statement[1], statement[2], place)
      case 'foreign':
        return this.foreign(statement[1])
      case 'abortable':
        return this.#abortable(statement[1], place)
      case 'hop':
        for (let i = 0; i < statement[1]; i++) await Promise.resolve()
        return undefined
      case 'all':
      case 'allSettled':
      case 'race':
        return this.#branches(statement[0], statement[1], place)
      case 'float':
        void this.#float(statement[1], { ...place, flow: new Flow(place.flow) })
        return undefined
      case 'timeout':
      case 'waitFor':
      case 'moveOnAfter':
        return this.#limited(statement[0], statement[1], statement[2], place)
      case 'group':
        return this.#group(statement[1], place)
      case 'shielded':
        return this.#shielded(statement[1], statement[2], place)
      case 'child':
        this.#child(statement[1], place)
        return undefined
      case 'task':
        return this.#task(statement[1], place)
      case 'try':
        return this.#try(statement, place)
      case 'repeat':
        for (let i = 0; i < statement[1]; i++) await this.#block(statement[2], place)
        return undefined
      case 'generator':
        await coroutine(() => steps(this, statement[1], place))()
        return undefined
      case 'fail':
      case 'cancel':
        this.act(statement)
        return undefined
    }
  }

  act(statement: ['fail'] | ['cancel', number]): void {
    if (statement[0] === 'fail') throw new ProgramError('fail')
    this.#cancel(this.#tasks[statement[1]])
  }

  async #branches(
    how: 'all' | 'allSettled' | 'race',
    branches: readonly Statement[][],
    place: Place,
  ): Promise<void> {
    const flows = branches.map(() => new Flow(place.flow))
    const calls = branches.map((branch, i) =>
      this.#block(branch, { ...place, flow: flows[i] as Flow }),
    )
    try {
      if (how === 'all') await Promise.all(calls)
      else if (how === 'allSettled') await Promise.allSettled(calls)
      else await Promise.race(calls)
    } finally {
      // The code after the combinator goes on in the turn in which a branch has ended. If the branch has got a cancel, this flow
      // knows of the cancel too.
      for (const flow of flows) place.flow.join(flow)
    }
  }

  async #float(block: readonly Statement[], place: Place): Promise<void> {
    try {
      await this.#block(block, place)
    } catch (error) {
      // Nothing awaits this call, so other errors end here. The CancelledError goes on, to test that core does not let it become
      // an unhandled rejection.
      if (isCancelled(error)) throw error
    }
  }

  async #wait(kind: WaitKind, ms: number | null, place: Place): Promise<void> {
    const traced = this.trace.begin(printWait(kind, ms), place)
    try {
      await this.startWait(kind, ms)
    } catch (error) {
      if (isCancelled(error)) this.trace.end(traced, 'cancelled')
      throw error
    }
    this.trace.end(traced, 'completed')
  }

  startWait(kind: WaitKind, ms: number | null): PromiseLike<unknown> {
    return startWait(kind, ms, this.#loop as EventLoop, this.#mode)
  }

  foreign(ms: number): Promise<void> {
    return foreign(this.#loop as EventLoop, ms, this.#mode)
  }

  /** Waits for a promise that rejects when the signal of the task aborts, as `fetch(url, { signal: taskSignal() })` does. */
  async #abortable(ms: number, place: Place): Promise<void> {
    const signal = taskSignal()
    // Like `fetch`, this code first looks whether the signal has aborted. That look delivers the cancel.
    if (signal.aborted) {
      for (const scope of place.scope.chain) scope.hasLooked = true
      this.trace.reach(place.flow)
      throw abortError(signal.reason)
    }
    const traced = this.trace.begin(`abortable(${ms})`, place, 'signal')
    try {
      await abortable(this.foreign(ms), signal)
    } catch (error) {
      this.trace.end(traced, 'cancelled')
      throw error
    }
    this.trace.end(traced, 'completed')
    return undefined
  }

  async #limited(
    kind: 'timeout' | 'waitFor' | 'moveOnAfter',
    ms: number,
    block: readonly Statement[],
    place: Place,
  ): Promise<void> {
    const scope = this.trace.beginScope(kind, place.scope, { ms })
    let handed: unknown
    let inner: unknown
    const body = async (given?: unknown): Promise<void> => {
      handed = given
      try {
        await this.#body(block, { ...place, scope })
      } catch (error) {
        inner = error
        throw error
      }
    }
    try {
      if (kind === 'waitFor') await waitFor(() => body(), ms)
      else if (kind === 'timeout') await timeout(ms, body)
      else await moveOnAfter(ms, body)
    } catch (error) {
      if (isCancelled(error)) this.trace.reach(place.flow)
      const isOwn = error instanceof TimeoutError && error !== inner
      this.trace.endScope(scope, isOwn || wasCancelled(handed), (error as Error).name)
      throw error
    }
    this.trace.endScope(scope, wasCancelled(handed), 'done')
  }

  async #group(block: readonly Statement[], place: Place): Promise<void> {
    const scope = this.trace.beginScope('group', place.scope)
    try {
      await taskGroup(async (tasks) => {
        try {
          await this.#block(block, { ...place, scope, group: { tasks, scope } })
        } catch (error) {
          scope.bodyEnded = true
          if (isCancelled(error)) this.trace.groupBodyCancelled(scope)
          else this.#groupFails(scope)
          throw error
        }
        scope.bodyEnded = true
      })
    } catch (error) {
      // The group's wait for its tasks is not in the trace. It may have thrown the CancelledError.
      this.trace.reach(place.flow)
      this.trace.endScope(scope, scope.surelyStruck, (error as Error).name)
      throw error
    }
    this.trace.endScope(scope, scope.surelyStruck, 'done')
  }

  async #shielded(grace: number | null, block: readonly Statement[], place: Place): Promise<void> {
    const scope = this.trace.beginScope('shielded', place.scope)
    const body = (): Promise<void> => this.#body(block, { ...place, scope })
    try {
      await shielded(body, grace === null ? {} : { grace })
    } catch (error) {
      if (isCancelled(error)) this.trace.reach(place.flow)
      this.trace.endScope(scope, false, (error as Error).name)
      throw error
    }
    this.trace.endScope(scope, false, 'done')
  }

  /** Records the first failure of a group. It cancels the group's tasks, and the group's body if the body still runs. */
  #groupFails(scope: TracedScope): void {
    if (scope.strikes.length > 0) return
    if (!scope.bodyEnded) scope.surelyStruck = true
    this.trace.strike(scope, 'is cancelled by a failure')
  }

  #child(block: Statement[], { group }: Place): void {
    if (group === null) return
    const scope = this.trace.beginScope('task', group.scope, {
      singleFlow: hasOneFlow(block),
      isChild: true,
    })
    const body = async (): Promise<void> => {
      try {
        await this.#body(block, { flow: new Flow(null), scope, group })
      } catch (error) {
        if (!isCancelled(error) && !isAbort(error)) this.#groupFails(group.scope)
        throw error
      }
    }
    try {
      const task = group.tasks.createTask(body, { name: scope.name })
      this.#watch(task, scope)
    } catch (error) {
      // The group is shutting down, and so it refused the task.
      if (!(error instanceof RuntimeError)) throw error
    }
  }

  async #task(block: Statement[], place: Place): Promise<void> {
    const scope = this.trace.beginScope('task', place.scope, { singleFlow: hasOneFlow(block) })
    const task = this.#start(scope, block, false)
    const traced = this.trace.begin(scope.name, place, scope)
    scope.awaited = traced
    try {
      await task
    } catch (error) {
      this.trace.end(traced, isCancelled(error) ? 'cancelled' : 'completed')
      throw error
    }
    this.trace.end(traced, 'completed')
  }

  async #try(
    [, body, catches, handler, final]: Extract<Statement, ['try', ...unknown[]]>,
    place: Place,
  ): Promise<void> {
    try {
      await this.#block(body, place)
    } catch (error) {
      if (catches === null || (catches === 'error' && isCancelled(error))) throw error
      await this.#block(handler, place)
    } finally {
      if (final !== null) await this.#block(final, place)
    }
  }
}

/** Whether the Timeout or the CancelScope that was passed to a body has been cancelled. */
function wasCancelled(handed: unknown): boolean {
  const scope = handed as { expired?: () => boolean; cancelCalled?: boolean } | undefined
  return scope?.expired?.() ?? scope?.cancelCalled === true
}
