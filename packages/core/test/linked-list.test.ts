import { type Linked, LinkedList } from '@tasktree/core/lowlevel'
import { expect, test } from 'vitest'

class Entry implements Linked<Entry> {
  list: LinkedList<Entry> | null = null
  nextInList: Entry | null = null
  previousInList: Entry | null = null
  readonly name: number

  constructor(name: number) {
    this.name = name
  }
}

/** Returns the names in the list, and checks that reading it from the other end gives the same. */
function namesOf(list: LinkedList<Entry>): number[] {
  const forwards: Entry[] = []
  for (let each = list.first(); each !== null; each = each.nextInList) forwards.push(each)
  const backwards: Entry[] = []
  for (let each = forwards.at(-1) ?? null; each !== null; each = each.previousInList) {
    backwards.push(each)
  }
  expect(backwards.toReversed()).toEqual(forwards)
  expect(list.size).toBe(forwards.length)
  return forwards.map((entry) => entry.name)
}

test('LinkedList.shift gives pushed entries in order, after the entries that were unshifted', () => {
  const list = new LinkedList<Entry>()
  expect(list.shift()).toBeNull()
  list.push(new Entry(1))
  list.push(new Entry(2))
  list.unshift(new Entry(0))
  expect(namesOf(list)).toEqual([0, 1, 2])
  expect([list.shift()?.name, list.shift()?.name, list.shift()?.name]).toEqual([0, 1, 2])
  expect(namesOf(list)).toEqual([])
})

test('LinkedList.remove takes an entry from any place once, and the entry can be added again', () => {
  const list = new LinkedList<Entry>()
  const entries = [0, 1, 2, 3].map((name) => new Entry(name))
  for (const entry of entries) list.push(entry)
  const [first, , third, last] = entries as [Entry, Entry, Entry, Entry]
  for (const entry of [third, first, last]) {
    expect(list.has(entry)).toBe(true)
    expect(list.remove(entry)).toBe(true)
    expect(list.has(entry)).toBe(false)
    expect(list.remove(entry)).toBe(false)
  }
  expect(namesOf(list)).toEqual([1])
  list.unshift(third)
  list.push(first)
  expect(namesOf(list)).toEqual([2, 1, 0])
})

test('LinkedList does not remove or replace an entry of another list', () => {
  const [list, other] = [new LinkedList<Entry>(), new LinkedList<Entry>()]
  const entry = new Entry(1)
  other.push(entry)
  expect(list.has(entry)).toBe(false)
  expect(list.remove(entry)).toBe(false)
  list.replace(entry, new Entry(2))
  expect(namesOf(other)).toEqual([1])
  expect(namesOf(list)).toEqual([])
})

test('LinkedList.replace puts a new entry in the place of an entry, at each end and between', () => {
  const list = new LinkedList<Entry>()
  const entries = [1, 2, 3].map((name) => new Entry(name))
  for (const entry of entries) list.push(entry)
  for (const entry of entries) list.replace(entry, new Entry(entry.name * 10))
  expect(namesOf(list)).toEqual([10, 20, 30])
  list.replace(entries[0] as Entry, new Entry(4))
  expect(namesOf(list)).toEqual([10, 20, 30])
})

test('a LinkedList has the same order as an array after 2,000 random operations', () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  const list = new LinkedList<Entry>()
  const model: Entry[] = []
  for (let step = 0; step < 2_000; step++) {
    const entry = new Entry(step)
    const action = random(4)
    if (action === 0) {
      list.push(entry)
      model.push(entry)
    } else if (action === 1) {
      list.unshift(entry)
      model.unshift(entry)
    } else if (model.length > 0) {
      const i = random(model.length)
      if (action === 2) list.remove(model.splice(i, 1)[0] as Entry)
      else list.replace(model.splice(i, 1, entry)[0] as Entry, entry)
    }
  }
  expect(namesOf(list)).toEqual(model.map((entry) => entry.name))
})
