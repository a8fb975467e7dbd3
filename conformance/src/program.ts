/**
 * The program format. A program is JSON that `cpython/generator.py` makes. `cpython/interpreter.py` and the files
 * `src/*-statements.ts` show what each statement does.
 */

/** The number of a slot. A slot holds a task or another future. All functions of a program share the slots. */
type Slot = number
/** The future on which a statement such as `cancel` acts: the future in a slot, the task that runs the statement, or its creator. */
export type Ref = Slot | 'self' | 'parent'
/** Something to wait for: the future in a slot, or a function to start as a task and the slot in which to put the task. */
export type Item = Slot | [fn: number, slot: Slot]
/** Names one of the scopes around a statement by its distance: 0 is the innermost scope, 1 is the scope around that. */
type Up = number
/** Names a primitive, such as a lock, by its place in the program's list of locks, semaphores, … */
type Index = number
type ReturnWhen = 'FIRST_COMPLETED' | 'FIRST_EXCEPTION' | 'ALL_COMPLETED'

/** The arguments of the statements that never wait. They may stand in a callback of the loop too. */
export interface SyncArguments {
  mark: [label: number]
  raise: [kind: string]
  reraise: []
  return: [value: number]
  break: []
  continue: []
  create: [slot: Slot, fn: number]
  cancel: [ref: Ref, message: string | null]
  uncancel: [ref: Ref]
  cancelling: [ref: Ref]
  probe: [ref: Ref]
  who: []
  set_variable: [value: number]
  get_variable: []
  future: [slot: Slot]
  set_result: [slot: Slot, value: number]
  set_exception: [slot: Slot, kind: string]
  when_done: [slot: Slot, channel: string, actions: Statement[]]
  later: [delay: number | null, channel: string, actions: Statement[]]
  reschedule: [up: Up, delay: number | null]
  expired: [up: Up]
  create_in_group: [up: Up, slot: Slot, fn: number]
  release: [lock: Index]
  locked: [lock: Index]
  semaphore_release: [semaphore: Index]
  semaphore_locked: [semaphore: Index]
  event_set: [event: Index]
  event_clear: [event: Index]
  event_is_set: [event: Index]
  count: [counter: Index]
  notify: [condition: Index, number: number]
  notify_all: [condition: Index]
  put_nowait: [queue: Index, value: number]
  get_nowait: [queue: Index]
  task_done: [queue: Index]
  size: [queue: Index]
  shut_down: [queue: Index, immediate: boolean]
}

/** The arguments of the statements that may wait. */
export interface AsyncArguments {
  loop: [count: number, body: Statement[]]
  try: [body: Statement[], handlers: [kind: string, body: Statement[]][], final: Statement[] | null]
  call: [fn: number]
  sleep: [delay: number]
  await: [slot: Slot]
  gather: [slot: Slot, items: Item[], returnExceptions: boolean, now: boolean]
  shield: [slot: Slot, item: Item, now: boolean]
  wait: [slots: Slot[], timeout: number | null, mode: ReturnWhen]
  wait_for: [item: Item, timeout: number | null]
  as_completed: [items: Item[], timeout: number | null, stream: boolean]
  timeout: [delay: number | null, body: Statement[]]
  group: [body: Statement[]]
  lock: [lock: Index, body: Statement[]]
  acquire: [lock: Index]
  semaphore: [semaphore: Index, body: Statement[]]
  semaphore_acquire: [semaphore: Index]
  event_wait: [event: Index]
  condition: [condition: Index, body: Statement[]]
  condition_wait: [condition: Index]
  condition_wait_for: [condition: Index, counter: Index, least: number]
  put: [queue: Index, value: number]
  get: [queue: Index]
  join: [queue: Index]
  barrier: [barrier: Index]
  barrier_reset: [barrier: Index]
  barrier_abort: [barrier: Index]
}

/** A statement is `[name, ...args]`. `SyncArguments` and `AsyncArguments` give the arguments for each name. */
export type Statement = readonly [name: string, ...args: unknown[]]

export interface Program {
  /** The bodies of the functions, each a list of statements. The first function is the body of the main task. */
  functions: Statement[][]
  locks?: number
  semaphores?: [value: number, bounded: boolean][]
  events?: number
  /** For each condition the index of the lock that it shares, or null if it has a lock of its own. */
  conditions?: (number | null)[]
  queues?: [kind: 'fifo' | 'lifo' | 'priority', maxsize: number][]
  /** For each barrier the number of its parties. */
  barriers?: number[]
  counters?: number
  /** Whether the program may release locks that another task holds, and wait on conditions whose lock it does not hold. */
  careless?: boolean
}

/**
 * The result of a run. `traces` holds the lines "<time> <event>" of each task and each callback, and `ends` the outcome of each
 * task.
 */
export interface Outcome {
  traces: Record<string, string[]>
  ends: Record<string, string>
}

/** One line of a trace file: a program, and its outcome under CPython. */
export interface Recorded extends Outcome {
  profile: string
  seed: number
  program: Program
}
