import { StreamReader } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'

/** Returns for how many milliseconds `work` makes this process compute, at best. A pause of the process does not count. */
async function cost(work: () => Promise<void>): Promise<number> {
  let least = Infinity
  for (let i = 0; i < 3; i++) {
    const start = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

describe('the cost grows with the number, and not with its square', { tags: ['slow'] }, () => {
  test('of buffered lines', async () => {
    const line = Buffer.alloc(600, `${'a'.repeat(599)}\n`)
    const lines = async (n: number): Promise<void> => {
      const reader = new StreamReader({ limit: 2 ** 30 })
      for (let i = 0; i < n; i++) reader.feedData(line)
      reader.feedEof()
      let count = 0
      for await (const _ of reader) count++
      expect(count).toBe(n)
    }
    await lines(5000)
    const [few, many] = [await cost(() => lines(10_000)), await cost(() => lines(80_000))]
    // The square would be 64 times.
    expect(many / few).toBeLessThan(30)
  })

  test('of pieces that are put back', async () => {
    const pieces = async (n: number): Promise<void> => {
      const reader = new StreamReader()
      for (let i = 0; i < n; i++) reader.unread('x')
      expect((await reader.read(n)).length).toBeGreaterThan(0)
    }
    await pieces(5000)
    const [few, many] = [await cost(() => pieces(10_000)), await cost(() => pieces(160_000))]
    // The square would be 256 times.
    expect(many / few).toBeLessThan(80)
  })
})
