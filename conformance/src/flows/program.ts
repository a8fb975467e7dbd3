/** The kinds of a `wait` statement: what Tasktree makes for the program to wait for. `startWait` in `waits.ts` makes each kind. */
export type WaitKind = 'sleep' | 'future' | 'chain' | 'ensureFuture' | 'event' | 'queue'
export type Catches = 'error' | 'all'

/**
 * A statement of a program: its name, then its arguments. `print.ts` shows what each statement means in JavaScript. A number is
 * a time in milliseconds, a count of `hop` or `repeat`, or the task of `cancel`. A wait whose time is null never ends by itself.
 */
export type Statement =
  | ['wait', WaitKind, number | null]
  | ['foreign', number]
  | ['abortable', number]
  | ['hop', number]
  | ['all' | 'allSettled' | 'race', Statement[][]]
  | ['float', Statement[]]
  | ['timeout' | 'waitFor' | 'moveOnAfter', number, Statement[]]
  | ['group', Statement[]]
  | ['shielded', number | null, Statement[]]
  | ['child', Statement[]]
  | ['task', Statement[]]
  | ['try', Statement[], Catches | null, Statement[], Statement[] | null]
  | ['repeat', number, Statement[]]
  | ['generator', Statement[]]
  | ['fail']
  | ['cancel', number]

/**
 * How time passes. `coarse` is a virtual time that shows only multiples of 4 ms, so that timers of several deadlines fire in one
 * turn, as they do in a busy process.
 */
export type Mode = 'virtual' | 'coarse' | 'real'

export interface TaskProgram {
  /** Whether the task's body is a generator coroutine. */
  generator: boolean
  body: Statement[]
}

/** A cancel of a task by a timer of the loop, at a time of the loop's clock. */
export interface PlannedCancel {
  at: number
  task: number
}

export interface Program {
  seed: number
  tasks: TaskProgram[]
  cancels: PlannedCancel[]
  /** The seed of a shuffled ready queue, or null for the loop's own order. */
  schedule: number | null
}

/** The blocks that a statement holds, in the order of its arguments. */
function blocksOf(statement: Statement): Statement[][] {
  switch (statement[0]) {
    case 'all':
    case 'allSettled':
    case 'race':
      return statement[1]
    case 'float':
    case 'group':
    case 'child':
    case 'task':
    case 'generator':
      return [statement[1]]
    case 'timeout':
    case 'waitFor':
    case 'moveOnAfter':
    case 'shielded':
    case 'repeat':
      return [statement[2]]
    case 'try':
      return [statement[1], statement[3], statement[4] ?? []]
    case 'wait':
    case 'foreign':
    case 'abortable':
    case 'hop':
    case 'fail':
    case 'cancel':
    default:
      return []
  }
}

/** Whether a statement of `block`, at any depth, passes `test`. */
export function someStatement(
  block: readonly Statement[],
  test: (statement: Statement) => boolean,
): boolean {
  return block.some(
    (statement) =>
      test(statement) || blocksOf(statement).some((inner) => someStatement(inner, test)),
  )
}

/** Returns an upper bound in milliseconds of how long `block` takes when nothing cancels it. A wait without an end counts as 0. */
export function longest(block: readonly Statement[]): number {
  let total = 0
  for (const statement of block) {
    const inner = blocksOf(statement).reduce((sum, each) => sum + longest(each), 0)
    const [name, first, second] = statement
    if (name === 'wait') total += second ?? 0
    else if (name === 'foreign' || name === 'abortable') total += first
    else if (name === 'repeat') total += first * inner
    else total += inner
  }
  return total
}

/** Counts the waits of `block` that never end by themselves. */
export function countEndless(block: readonly Statement[]): number {
  let total = 0
  for (const statement of block) {
    const inner = blocksOf(statement).reduce((sum, each) => sum + countEndless(each), 0)
    if (statement[0] === 'wait' && statement[2] === null) total++
    else total += statement[0] === 'repeat' ? statement[1] * inner : inner
  }
  return total
}
