import {
  ContextVar,
  type CoroutineFunction,
  createTask,
  currentTask,
  type EventLoop,
  type Future,
  getRunningLoop,
  isCancelled,
  type Task,
  type TaskGroup,
  type Timeout,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Primitives } from './primitives.ts'
import type {
  AsyncArguments,
  Item,
  Outcome,
  Program,
  Ref,
  Statement,
  SyncArguments,
} from './program.ts'
import { describeState, show } from './show.ts'

/** The statement by which a block ended before its last statement. */
export type End = { kind: 'return'; value: number } | { kind: 'break' } | { kind: 'continue' }

/** The state that all code of one task shares. */
export class TaskState {
  readonly path: string
  readonly parent: TaskState | null
  task: Task | null = null
  #children = 0

  constructor(path: string, parent: TaskState | null) {
    this.path = path
    this.parent = parent
  }

  childPath(): string {
    this.#children++
    return `${this.path}.${this.#children}`
  }
}

/** The surroundings of a statement: its task, and the groups, timeouts and handlers around it, the innermost last. */
export interface Scope {
  readonly state: TaskState
  readonly groups: readonly TaskGroup[]
  readonly timeouts: readonly Timeout[]
  /** The error that the innermost handler has caught, or null outside of a handler. */
  readonly handling: { error: unknown } | null
}

function scopeOf(state: TaskState, groups: readonly TaskGroup[] = []): Scope {
  return { state, groups, timeouts: [], handling: null }
}

/** The function that a task runs: an async function or a generator coroutine. */
export type Body = CoroutineFunction<[], number | null>

export type SyncSteps<K extends keyof SyncArguments = keyof SyncArguments> = {
  [Name in K]: (run: Interpreter, scope: Scope, ...args: SyncArguments[Name]) => End | void
}
export type AsyncSteps<K extends keyof AsyncArguments = keyof AsyncArguments> = {
  [Name in K]: (
    run: Interpreter,
    scope: Scope,
    ...args: AsyncArguments[Name]
  ) => Promise<End | undefined | void>
}

/** The function that runs a statement. `SyncSteps` and `AsyncSteps` type its arguments; the interpreter only passes them on. */
type Step = (run: Interpreter, scope: Scope, ...args: unknown[]) => unknown

/** Runs a program with Tasktree's public API. `cpython/interpreter.py` runs the same programs under asyncio. */
export class Interpreter {
  readonly program: Program
  readonly slots = new Map<number, Future<unknown>>()
  readonly primitives: Primitives
  readonly variable = new ContextVar<number>('variable', { default: 0 })
  readonly #traces: Record<string, string[]> = {}
  readonly #tasks = new Map<string, Task>()
  readonly #syncSteps: Readonly<Record<string, Step>>
  readonly #asyncSteps: Readonly<Record<string, Step>>
  #loop: EventLoop | null = null

  constructor(program: Program, syncSteps: SyncSteps, asyncSteps: AsyncSteps) {
    this.program = program
    this.primitives = new Primitives(program)
    this.#syncSteps = syncSteps as unknown as Record<string, Step>
    this.#asyncSteps = asyncSteps as unknown as Record<string, Step>
  }

  get loop(): EventLoop {
    return this.#loop as EventLoop
  }

  async run(): Promise<Outcome> {
    let mainError: unknown = null
    try {
      await runVirtual(() => {
        this.#loop = getRunningLoop()
        // A program may leave errors that it never retrieves. The loop must not report them.
        this.#loop.setExceptionHandler(() => {})
        const state = new TaskState('main', null)
        const task = currentTask() as Task
        task.name = state.path
        this.#adopt(state, task)
        return this.body(0, scopeOf(state))
      })
    } catch (error) {
      mainError = error
    }
    const ends: Record<string, string> = {}
    for (const [path, task] of this.#tasks) ends[path] = describeState(task)
    if (mainError instanceof Error && mainError.name === 'DeadlockError')
      ends['main'] = show(mainError)
    return { traces: this.#traces, ends }
  }

  log(channel: string, text: string): void {
    ;(this.#traces[channel] ??= []).push(`${this.loop.time()} ${text}`)
  }

  trace(scope: Scope, text: string): void {
    this.log(scope.state.path, text)
  }

  #adopt(state: TaskState, task: Task): void {
    state.task = task
    this.#tasks.set(state.path, task)
  }

  /** Runs the function with the number `fn` as the body of a task. */
  body(fn: number, scope: Scope): ReturnType<Body> {
    return this.#asyncBody(fn, scope)
  }

  async #asyncBody(fn: number, scope: Scope): Promise<number | null> {
    this.trace(scope, 'start')
    try {
      return this.ending(scope, await this.block(this.functionBody(fn), scope))
    } catch (error) {
      throw this.failing(scope, error)
    }
  }

  /** Traces the value that a task's body returns, and returns that value. */
  ending(scope: Scope, end: End | undefined): number | null {
    const value = end?.kind === 'return' ? end.value : null
    this.trace(scope, `return ${show(value)}`)
    return value
  }

  failing(scope: Scope, error: unknown): unknown {
    this.trace(scope, `raise ${show(error)}`)
    return error
  }

  functionBody(fn: number): Statement[] {
    return this.program.functions[fn] as Statement[]
  }

  newTask(scope: Scope, slot: number, fn: number, group?: TaskGroup): void {
    const state = new TaskState(scope.state.childPath(), scope.state)
    const coro: Body = () => this.body(fn, scopeOf(state, scope.groups))
    const options = { name: state.path }
    const task = group === undefined ? createTask(coro, options) : group.createTask(coro, options)
    this.#adopt(state, task)
    this.slots.set(slot, task)
  }

  /** The body of a task that `gather`, `shield` or `waitFor` makes from a function. */
  implicit(scope: Scope, slot: number, fn: number): ReturnType<Body> {
    const state = new TaskState(scope.state.childPath(), scope.state)
    const task = currentTask() as Task
    task.name = state.path
    this.#adopt(state, task)
    this.slots.set(slot, task)
    return this.body(fn, scopeOf(state, scope.groups))
  }

  target(ref: Ref, scope: Scope): Future<unknown> | null {
    if (ref === 'self') return scope.state.task
    if (ref === 'parent') return scope.state.parent?.task ?? null
    return this.slots.get(ref) ?? null
  }

  /** Returns the awaitables to pass to a combinator such as `gather`. Empty slots are left out. */
  awaitables(items: Item[], scope: Scope): (Future<unknown> | Body)[] {
    const found: (Future<unknown> | Body)[] = []
    for (const item of items) {
      if (Array.isArray(item)) found.push(() => this.implicit(scope, item[1], item[0]))
      else if (this.slots.has(item)) found.push(this.slots.get(item) as Future<unknown>)
    }
    return found
  }

  block(statements: readonly Statement[], scope: Scope): PromiseLike<End | undefined> {
    return this.#asyncBlock(statements, scope)
  }

  async #asyncBlock(statements: readonly Statement[], scope: Scope): Promise<End | undefined> {
    for (const statement of statements) {
      const end = this.isSync(statement)
        ? this.act(scope, statement)
        : await this.wait(scope, statement)
      if (end !== undefined) return end
    }
    return undefined
  }

  isSync([name]: Statement): boolean {
    return name in this.#syncSteps
  }

  act(scope: Scope, [name, ...args]: Statement): End | undefined {
    return this.#syncSteps[name]?.(this, scope, ...args) as End | undefined
  }

  wait(scope: Scope, [name, ...args]: Statement): PromiseLike<End | undefined> {
    const step = this.#asyncSteps[name]
    if (step === undefined) throw new TypeError(`the program has an unknown statement, ${name}`)
    return step(this, scope, ...args) as PromiseLike<End | undefined>
  }

  /** Runs the statements of a callback of the loop. None of them may wait. */
  callback(channel: string, text: string, actions: readonly Statement[]): void {
    this.log(channel, text)
    const scope = scopeOf(new TaskState(channel, null))
    for (const statement of actions) this.act(scope, statement)
  }

  /** Calls a function that may throw, and traces its result or its error. A CancelledError is thrown on and not traced. */
  attempt(scope: Scope, label: string, call: () => unknown): void {
    let result: unknown
    try {
      result = call()
    } catch (error) {
      if (isCancelled(error)) throw error
      result = error
    }
    this.trace(scope, `${label} ${show(result)}`)
  }
}
