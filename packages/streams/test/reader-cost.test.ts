import { StreamReader } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'
import { cost } from '../../../vitest.cost.ts'

describe(
  'the steps of a StreamReader grow with the number, and not with its square,',
  { tags: ['slow'] },
  () => {
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
      const [few, many] = [await cost(() => lines(10_000)), await cost(() => lines(80_000))]
      expect(few).toBeGreaterThan(10_000)
      expect(many / few).toBeLessThan(10)
    })

    test.each([[['\n', '\r\n\r\n']], [['\0', '\n']], [['\n', 'b\n']]])(
      'of buffered records that end with one of %j',
      async (separators) => {
        for (const size of [600, 3_000]) {
          const record = Buffer.alloc(size, `${'a'.repeat(size - 1)}\n`)
          for (const chunk of [1, 100]) {
            const records = async (n: number): Promise<void> => {
              const reader = new StreamReader({ limit: 2 ** 30 })
              const bytes = Buffer.concat(Array<Buffer>(chunk).fill(record))
              for (let i = 0; i < n; i += chunk) reader.feedData(bytes)
              reader.feedEof()
              let count = 0
              while (!reader.atEof()) {
                await reader.readUntil(separators)
                count++
              }
              expect(count).toBe(n)
            }
            const [few, many] = [await cost(() => records(500)), await cost(() => records(4_000))]
            expect(few).toBeGreaterThan(500)
            expect(many / few).toBeLessThan(12)
          }
        }
      },
    )

    test('of pieces that are put back', async () => {
      const pieces = async (n: number): Promise<void> => {
        const reader = new StreamReader()
        for (let i = 0; i < n; i++) reader.unread('x')
        expect((await reader.read(n)).length).toBeGreaterThan(0)
      }
      const [few, many] = [await cost(() => pieces(10_000)), await cost(() => pieces(160_000))]
      expect(few).toBeGreaterThan(10_000)
      expect(many / few).toBeLessThan(20)
    })
  },
)
