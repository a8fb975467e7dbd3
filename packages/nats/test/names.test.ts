// Tests the names that a cluster uses on its server.
import { expect, test } from 'vitest'
import { Names } from '../src/wire/names.ts'

/** Returns all texts of one to `length` characters of `alphabet`. */
function texts(alphabet: readonly string[], length: number): string[] {
  const shorter = length === 1 ? [''] : ['', ...texts(alphabet, length - 1)]
  return shorter.flatMap((text) => alphabet.map((character) => text + character))
}

test('no two namespaces share a bucket or a subject', () => {
  const namespaces = [
    ...texts(['2', 'E', '-', '=', '.'], 3),
    '-2D2E',
    '-2D.',
    '--2E',
    '-2E2E',
    '-2E.',
  ]
  const buckets = new Set(namespaces.map((namespace) => new Names(namespace).states))
  const subjects = new Set(namespaces.map((namespace) => new Names(namespace).job('q')))
  expect(buckets.size).toBe(namespaces.length)
  expect(subjects.size).toBe(namespaces.length)
  expect([...buckets].filter((name) => !/^[-\w]+$/.test(name))).toEqual([])
})

test('a namespace of letters, digits, hyphens and underscores keeps its name', () => {
  for (const namespace of ['tasktree', 'my-shop', 'my_shop', 'shop-2', 'a--b']) {
    expect(new Names(namespace).states).toBe(`${namespace}_state`)
  }
})
