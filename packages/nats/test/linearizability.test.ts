// Tests the checker of histories, which other tests use: it accepts correct histories, and finds each kind of violation.
import { expect, test } from 'vitest'
import {
  linearize,
  linearizeList,
  type ListInput,
  listModel,
  type ListOutput,
  type Operation,
} from './support/linearizability.ts'

const never = Infinity

function op(
  calledAt: number,
  returnedAt: number,
  input: ListInput,
  output?: ListOutput,
): Operation<ListInput, ListOutput> {
  return { calledAt, returnedAt, input, output }
}

const append = (item: number): ListInput => ({ append: item })

test('linearize() accepts overlapping operations that took effect in another order than they began', () => {
  const history = [
    op(0, 10, append(1), 2),
    op(1, 5, append(2), 1),
    op(6, 7, 'items', [2]),
    op(11, 12, 'items', [2, 1]),
  ]
  expect(linearize(history, listModel)?.map(({ input }) => input)).toEqual([
    append(2),
    'items',
    append(1),
    'items',
  ])
})

test('linearize() accepts an operation with an unknown outcome that was done late or never', () => {
  const unknown = op(0, never, append(1))
  expect(
    linearize([unknown, op(5, 6, 'items', []), op(7, 8, 'items', [1])], listModel),
  ).not.toBeNull()
  expect(linearize([unknown, op(5, 6, 'items', [])], listModel)).not.toBeNull()
  const told = { ...unknown, isDone: true }
  expect(linearize([told, op(5, 6, 'items', [])], listModel)).not.toBeNull()
  expect(linearize([told, op(5, 6, append(2), 1)], listModel)).not.toBeNull()
})

const read = (calledAt: number, output: readonly number[]) =>
  ({ input: 'items', calledAt, returnedAt: calledAt + 1, output }) as const

test('linearizeList() checks 60 appends with unknown outcomes in a moment', () => {
  const items = Array.from({ length: 60 }, (_, i) => i)
  const history = items.map((item) => op(item % 7, never, append(item)))
  const reads = [op(2, 3, 'items'), op(20, 30, 'items', items.slice(0, 9).toReversed())]
  const seen = items.slice(0, 40).toReversed()
  expect(linearizeList([...history, reads[0]!], read(90, seen))).toHaveLength(41)
  expect(linearizeList([...history, ...reads], read(90, seen))).toBeNull()
})

test.each([
  ['an append that was answered', op(0, 1, append(1), 1)],
  ['an append that was confirmed', { ...op(0, never, append(1)), isDone: true }],
])('linearizeList() rejects %s and that the last read does not show', (_name, lost) => {
  expect(linearizeList([lost], read(5, []))).toBeNull()
  expect(linearizeList([lost], read(5, [1]))).not.toBeNull()
  expect(linearizeList([lost], read(5, [1, 1]))).toBeNull()
})

test.each([
  ['a stale read', [op(0, 1, append(1), 1), op(2, 3, 'items', [])]],
  ['a read of the future', [op(0, 1, 'items', [1]), op(2, 3, append(1), 1)]],
  ['a lost write', [op(0, 1, append(1), 1), op(2, 3, append(2), 1)]],
  ['a write that was done twice', [op(0, 1, append(1), 1), op(2, 3, 'items', [1, 1])]],
  [
    'two writes in the wrong order',
    [op(0, 1, append(1), 1), op(2, 3, append(2), 2), op(4, 5, 'items', [2, 1])],
  ],
  [
    'an effect that was seen and is gone',
    [op(0, never, append(1)), op(1, 2, 'items', [1]), op(3, 4, 'items', [])],
  ],
  ['a split brain', [op(0, 9, append(1), 1), op(0, 9, append(2), 1)]],
])('linearize() rejects %s', (_name, history) => {
  expect(linearize(history, listModel)).toBeNull()
})
