import {
  ContextVar,
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

/** How a block ended that did not run through. */
export type End = { kind: 'return'; value: number } | { kind: 'break' } | { kind: 'continue' }

/** What all code of one task shares. */
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

/** Where a statement stands. */
export interface Scope {
  readonly state: TaskState
  readonly groups: readonly TaskGroup[]
  readonly timeouts: readonly Timeout[]
  /** What the innermost handler has caught. */
  readonly handling: { error: unknown } | null
}

function scopeOf(state: TaskState, groups: readonly TaskGroup[] = []): Scope {
  return { state, groups, timeouts: [], handling: null }
}

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

/** What the statements do: the compiler knows each one's arguments, the interpreter only that they fit. */
type Step = (run: Interpreter, scope: Scope, ...args: unknown[]) => unknown

/** Runs a program over Tasktree's public interface; the twin of `cpython/interpreter.py`. */
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
      await runVirtual(async () => {
        this.#loop = getRunningLoop()
        // What the program leaves unretrieved is its own affair.
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

  /** A function as the body of a task. */
  async body(fn: number, scope: Scope): Promise<number | null> {
    this.trace(scope, 'start')
    let end: End | undefined
    try {
      end = await this.block(this.functionBody(fn), scope)
    } catch (error) {
      this.trace(scope, `raise ${show(error)}`)
      throw error
    }
    const value = end?.kind === 'return' ? end.value : null
    this.trace(scope, `return ${show(value)}`)
    return value
  }

  functionBody(fn: number): Statement[] {
    return this.program.functions[fn] as Statement[]
  }

  newTask(scope: Scope, slot: number, fn: number, group?: TaskGroup): void {
    const state = new TaskState(scope.state.childPath(), scope.state)
    const coro = (): Promise<unknown> => this.body(fn, scopeOf(state, scope.groups))
    const options = { name: state.path }
    const task = group === undefined ? createTask(coro, options) : group.createTask(coro, options)
    this.#adopt(state, task)
    this.slots.set(slot, task)
  }

  /** The body of a task that gather, shield or waitFor makes of a function. */
  async implicit(scope: Scope, slot: number, fn: number): Promise<unknown> {
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

  /** What a combinator takes; empty slots are left out. */
  awaitables(items: Item[], scope: Scope): (Future<unknown> | (() => Promise<unknown>))[] {
    const found: (Future<unknown> | (() => Promise<unknown>))[] = []
    for (const item of items) {
      if (Array.isArray(item)) found.push(() => this.implicit(scope, item[1], item[0]))
      else if (this.slots.has(item)) found.push(this.slots.get(item) as Future<unknown>)
    }
    return found
  }

  async block(statements: Statement[], scope: Scope): Promise<End | undefined> {
    for (const [name, ...args] of statements) {
      const step = this.#syncSteps[name]
      const end =
        step === undefined ? await this.#wait(name, scope, args) : step(this, scope, ...args)
      if (end !== undefined) return end as End
    }
    return undefined
  }

  #wait(name: string, scope: Scope, args: unknown[]): unknown {
    const step = this.#asyncSteps[name]
    if (step === undefined) throw new TypeError(`the program has an unknown statement, ${name}`)
    return step(this, scope, ...args)
  }

  /** Statements that do not wait, in a callback of the loop. */
  act(channel: string, actions: Statement[]): void {
    const scope = scopeOf(new TaskState(channel, null))
    for (const [name, ...args] of actions) this.#syncSteps[name]?.(this, scope, ...args)
  }

  /** Calls something that may be refused, and traces what it gave or why it was refused. */
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
