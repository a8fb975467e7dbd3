/**
 * Checks whether a history is linearizable: whether it could have come from one object that does one operation after another, each
 * at some moment between its call and its return. An operation whose outcome is unknown may have been done at any moment after
 * its call, or never.
 *
 * The search tries each operation that may come next. It remembers the pairs of the set of done operations and the state that it
 * has tried already.
 *
 * Sources: J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects", 1993. G. Lowe added the memory of pairs in 2017.
 */

export interface Operation<I, O> {
  readonly input: I
  readonly calledAt: number
  /** The time at which the outcome was known, or Infinity if it never was. */
  readonly returnedAt: number
  /** The outcome, or undefined if it is unknown. */
  readonly output: O | undefined
  /** Whether the operation was certainly done, although its output is unknown. */
  readonly isDone?: boolean
}

export interface Model<S, I, O> {
  readonly initial: S
  apply(state: S, input: I): { readonly state: S; readonly output: O }
  /** Whether the object can have been in this state. Without this function every state is possible. */
  isPossible?(state: S): boolean
}

/** The search fails after this many steps. A history with too many unknown outcomes has too many possible orders. */
const mostSteps = 200_000

/** Returns the operations in an order that explains the history, or null if there is no such order. */
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

/** The interface of an actor that holds a list. The histories of its callers are checked with `listModel`. */
export interface List {
  append(item: number): Promise<number>
  items(): number[]
}

export type ListInput = { readonly append: number } | 'items'
export type ListOutput = number | readonly number[]

/** The model of a list: `append` returns its new length, and `items` returns all items. */
export const listModel: Model<readonly number[], ListInput, ListOutput> = {
  initial: [],
  apply(state, input) {
    if (input === 'items') return { state, output: state }
    const next = [...state, input.append]
    return { state: next, output: next.length }
  },
}

/**
 * Checks the history of a list together with `last`, a read that was made when all other calls had returned. The result of this
 * read makes the search much shorter. It shows for each append with an unknown outcome whether it was done before the read. And a
 * list only grows, so each earlier state is a beginning of the last state. An append that was confirmed (`isDone`) was in the
 * mailbox before the last read.
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
