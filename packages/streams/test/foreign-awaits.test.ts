import { moveOnAfter, run } from '@tasktree/core'
import { StreamReader } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'

const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const lines = 400

const reads: Record<string, (reader: StreamReader) => Promise<number>> = {
  readLine: async (reader) => (await reader.readLine()).length,
  'read(n)': async (reader) => (await reader.read(5)).length,
  readExactly: async (reader) => (await reader.readExactly(5)).length,
  readUntil: async (reader) => (await reader.readUntil('\n')).length,
}

describe('moveOnAfter ends a loop of reads from the buffer that otherwise awaits only native promises', () => {
  test.each(Object.keys(reads))('%s, and no byte is lost', (name) =>
    run(async () => {
      const reader = new StreamReader()
      reader.feedData(Buffer.from('abcd\n'.repeat(lines)))
      reader.feedEof()
      let read = 0
      const { cancelled } = await moveOnAfter(20, async () => {
        while (read < 5 * lines) {
          read += await (reads[name] as (typeof reads)[string])(reader)
          await foreign(2)
        }
      })
      expect(cancelled).toBe(true)
      expect(read + (await reader.read()).length).toBe(5 * lines)
    }),
  )

  test('for await over the reader, and no byte is lost', () =>
    run(async () => {
      const reader = new StreamReader()
      reader.feedData(Buffer.from('abcd\n'.repeat(lines)))
      reader.feedEof()
      let seen = 0
      const { cancelled } = await moveOnAfter(20, async () => {
        for await (const _ of reader) {
          seen++
          await foreign(2)
        }
      })
      expect(cancelled).toBe(true)
      expect(seen * 5 + (await reader.read()).length).toBe(5 * lines)
    }))
})
