// Tests the checker of a singleton's ticks, which other tests use.
import { expect, test } from 'vitest'
import { mostStrayTicks, type Note } from './support/entity-log.ts'

function tick(node: string, at: number): Note {
  return { node, what: 'tick', at, detail: '' }
}

function ticks(node: string, from: number, to: number): Note[] {
  return Array.from({ length: (to - from) / 20 + 1 }, (_, i) => tick(node, from + 20 * i))
}

test('mostStrayTicks counts the ticks of an owner that overlap those of another owner', () => {
  const gap = 250
  expect(mostStrayTicks([...ticks('a', 0, 500), ...ticks('b', 600, 2_000)], gap)).toBe(0)
  const continued = [tick('a', 1_200), tick('a', 1_220)]
  expect(
    mostStrayTicks([...ticks('a', 0, 500), ...ticks('b', 900, 2_000), ...continued], gap),
  ).toBe(2)
  expect(mostStrayTicks([...ticks('a', 0, 1_000), ...ticks('b', 800, 2_000)], gap)).toBe(11)
})
