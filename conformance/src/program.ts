/** The program format: JSON made by `cpython/generator.py`. README.md tells what each statement means. */

/** A slot holds a task or another future; a program's functions share them. */
type Slot = number
/** What a cancel can be aimed at. */
export type Ref = Slot | 'self' | 'parent'
/** What can be waited for: a slot, or a function to start and the slot its task goes to. */
export type Item = Slot | [fn: number, slot: Slot]
/** How many scopes outwards; 0 is the innermost. */
type Up = number
/** A primitive, by its place in the program's list of its kind. */
type Index = number
type ReturnWhen = 'FIRST_COMPLETED' | 'FIRST_EXCEPTION' | 'ALL_COMPLETED'

/** Statements that never wait, and may stand in a callback. */
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

/** `[name, ...args]`; the two interfaces above give each name's arguments. */
export type Statement = readonly [name: string, ...args: unknown[]]

export interface Program {
  /** The first one is the main task's. */
  functions: Statement[][]
  locks?: number
  semaphores?: [value: number, bounded: boolean][]
  events?: number
  /** The index of the lock it shares, or null for one of its own. */
  conditions?: (number | null)[]
  queues?: [kind: 'fifo' | 'lifo' | 'priority', maxsize: number][]
  /** The parties of each. */
  barriers?: number[]
  counters?: number
  /** It releases what others hold, and waits on conditions whose lock it does not hold. */
  careless?: boolean
}

/** What a run leaves: for each task and callback its lines, "time event", and how each task ended. */
export interface Outcome {
  traces: Record<string, string[]>
  ends: Record<string, string>
}

/** A line of a trace file: a program and what it leaves under CPython. */
export interface Recorded extends Outcome {
  profile: string
  seed: number
  program: Program
}
