import { coroutine, type CoroutineGenerator, isCancelled, type TaskGroup } from '@tasktree/core'
import { printWait } from './print.ts'
import type { Statement, WaitKind } from './program.ts'
import type { Flow, Trace, TracedScope } from './trace.ts'

/** The surroundings of a statement: its flow, the innermost scope around it, and the group to which it can add a task. */
export interface Place {
  readonly flow: Flow
  readonly scope: TracedScope
  readonly group: { readonly tasks: TaskGroup; readonly scope: TracedScope } | null
}

/** The methods of `FlowInterpreter` that a generator coroutine calls. */
interface Interpreter {
  readonly trace: Trace
  act(statement: ['fail'] | ['cancel', number]): void
  foreign(ms: number): Promise<void>
  startWait(kind: WaitKind, ms: number | null): PromiseLike<unknown>
  statement(statement: Statement, place: Place): Promise<void>
}

/** Runs the body of the scope `place.scope`, and tells the trace when the body has ended. */
export function* bodySteps(
  interpreter: Interpreter,
  block: readonly Statement[],
  place: Place,
): CoroutineGenerator<void> {
  try {
    yield* steps(interpreter, block, place)
  } finally {
    interpreter.trace.bodyEnds(place.scope)
  }
}

/**
 * Runs a block as a generator coroutine. Statements whose code differs in a generator are written here. The others run as async
 * functions of the interpreter.
 */
export function* steps(
  interpreter: Interpreter,
  block: readonly Statement[],
  place: Place,
): CoroutineGenerator<void> {
  for (const statement of block) {
    switch (statement[0]) {
      case 'wait':
        yield* waitSteps(interpreter, statement[1], statement[2], place)
        break
      case 'foreign':
        yield interpreter.foreign(statement[1]) as never
        break
      case 'try':
        yield* trySteps(interpreter, statement, place)
        break
      case 'repeat':
        for (let i = 0; i < statement[1]; i++) yield* steps(interpreter, statement[2], place)
        break
      case 'generator':
        yield* steps(interpreter, statement[1], place)
        break
      case 'fail':
      case 'cancel':
        interpreter.act(statement)
        break
      case 'abortable':
      case 'hop':
      case 'all':
      case 'allSettled':
      case 'race':
      case 'float':
      case 'timeout':
      case 'waitFor':
      case 'moveOnAfter':
      case 'group':
      case 'shielded':
      case 'child':
      case 'task':
        yield* coroutine(() => interpreter.statement(statement, place))()
    }
  }
}

function* waitSteps(
  interpreter: Interpreter,
  kind: WaitKind,
  ms: number | null,
  place: Place,
): CoroutineGenerator<void> {
  const { trace } = interpreter
  const traced = trace.begin(printWait(kind, ms), place)
  try {
    // The code of core that drives the generator awaits each value that is yielded, whether it is a future or a promise.
    yield interpreter.startWait(kind, ms) as never
  } catch (error) {
    if (isCancelled(error)) trace.end(traced, 'cancelled')
    throw error
  }
  trace.end(traced, 'completed')
}

function* trySteps(
  interpreter: Interpreter,
  [, body, catches, handler, final]: Extract<Statement, ['try', ...unknown[]]>,
  place: Place,
): CoroutineGenerator<void> {
  try {
    yield* steps(interpreter, body, place)
  } catch (error) {
    if (catches === null || (catches === 'error' && isCancelled(error))) throw error
    yield* steps(interpreter, handler, place)
  } finally {
    if (final !== null) yield* steps(interpreter, final, place)
  }
}
