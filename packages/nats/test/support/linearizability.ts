/**
 * Checks whether a history could have come from one object that does one operation after the other, each at some moment
 * between its call and its return. An operation whose outcome nobody knows may have been done at any moment after its call, or
 * never.
 *
 * The search tries the operations that may come next, in turn, and remembers the pairs of done operations and state that
 * it has tried already.
 *
 * Source: J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects", 1993; the memory of pairs: G. Lowe, 2017
 */

export interface Operation<I, O> {
  readonly input: I
  readonly calledAt: number
  /** When its outcome was known; Infinity for never. */
  readonly returnedAt: number
  /** Undefined for an outcome that nobody knows. */
  readonly output: O | undefined
  /** Whether it must have been done, although its output is not known. */
  readonly isDone?: boolean
}

export interface Model<S, I, O> {
  readonly initial: S
  apply(state: S, input: I): { readonly state: S; readonly output: O }
  /** Whether the object can have been in this state. @defaultValue it can always */
  isPossible?(state: S): boolean
}

/** A history with many unknown outcomes has too many orders. A test must make fewer of them. */
const mostSteps = 200_000

/** Returns the operations in an order that explains the history; null when there is none. */
export function linearize<S, I, O>(
  history: readonly Operation<I, O>[],
  model: Model<S, I, O>,
): Operation<I, O>[] | null {
  let steps = 0
  const tried = new Set<string>()
  const order: Operation<I, O>[] = []
  const isDone = history.map(() => false)

  function search(state: S): boolean {
    if (++steps > mostSteps) throw new Error(`no answer after ${mostSteps} steps`)
    let earliestReturn = Infinity
    let isComplete = true
    for (const [i, { returnedAt, output, isDone: must = false }] of history.entries()) {
      if (isDone[i] === true) continue
      if (output !== undefined || must) isComplete = false
      earliestReturn = Math.min(earliestReturn, returnedAt)
    }
    if (isComplete) return true
    const here = `${isDone.map(Number).join('')} ${JSON.stringify(state)}`
    if (tried.has(here)) return false
    tried.add(here)
    for (const [i, operation] of history.entries()) {
      if (isDone[i] === true || operation.calledAt > earliestReturn) continue
      const next = model.apply(state, operation.input)
      if (
        operation.output !== undefined &&
        JSON.stringify(next.output) !== JSON.stringify(operation.output)
      ) {
        continue
      }
      if (model.isPossible?.(next.state) === false) continue
      isDone[i] = true
      order.push(operation)
      if (search(next.state)) return true
      order.pop()
      isDone[i] = false
    }
    return false
  }

  return search(model.initial) ? order : null
}

/** A list that an actor holds. Its callers are checked against `listModel`. */
export interface List {
  append(item: number): Promise<number>
  items(): number[]
}

export type ListInput = { readonly append: number } | 'items'
export type ListOutput = number | readonly number[]

/** A list: `append` gives its new length, `items` the list. */
export const listModel: Model<readonly number[], ListInput, ListOutput> = {
  initial: [],
  apply(state, input) {
    if (input === 'items') return { state, output: state }
    const next = [...state, input.append]
    return { state: next, output: next.length }
  },
}

/**
 * Checks the history of a list together with `last`, a read that was made when all other calls had returned. What the last read
 * shows saves most of the search: of an append whose outcome nobody knows it says whether it was done in time, and a list
 * only grows, so each earlier state is a beginning of the last one. An append that was confirmed (`isDone`) was in the
 * mailbox before the last read was.
 */
export function linearizeList(
  history: readonly Operation<ListInput, ListOutput>[],
  last: Operation<ListInput, ListOutput> & { readonly output: readonly number[] },
): Operation<ListInput, ListOutput>[] | null {
  const { output: end, returnedAt } = last
  const known = history.flatMap((operation) => {
    const { input, output, isDone = false } = operation
    if (output !== undefined) return [operation]
    if (input === 'items' || !(isDone || end.includes(input.append))) return []
    return [{ ...operation, returnedAt, isDone: true }]
  })
  const isPossible = (list: readonly number[]): boolean => list.every((item, i) => item === end[i])
  return linearize([...known, last], { ...listModel, isPossible })
}
