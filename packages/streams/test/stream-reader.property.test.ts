import * as fc from 'fast-check'
import { run } from '@tasktree/core'
import { StreamReader } from '@tasktree/streams'
import { expect, test } from 'vitest'

/** Draws bytes, and a way to cut them into chunks. */
const chunked = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', '\r', '\n', 'ab', 'abc'), { maxLength: 300 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
  )
  .map(([parts, sizes]) => {
    const text = parts.join('')
    const chunks: string[] = []
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length] as number
      chunks.push(text.slice(at, at + size))
      at += size
    }
    return { text, chunks }
  })

test('lines do not depend on how the bytes were cut into chunks, for random bytes', () =>
  fc.assert(
    fc.asyncProperty(chunked, async ({ text, chunks }) => {
      const reader = new StreamReader()
      for (const chunk of chunks) reader.feedData(chunk)
      reader.feedEof()
      const lines: string[] = []
      for await (const line of reader) lines.push(String(line))
      expect(lines).toEqual(text.match(/[^\n]*\n|[^\n]+$/g) ?? [])
    }),
  ))

test('readUntil finds a separator that is cut anywhere, for random bytes and while it waits', () =>
  fc.assert(
    fc.asyncProperty(chunked, fc.constantFrom('ab', '\r\n', 'aba'), ({ text, chunks }, separator) =>
      run(async () => {
        const reader = new StreamReader()
        const reading = (async () => {
          const found: string[] = []
          for (;;) {
            const piece = await reader.readUntil(separator).catch(() => null)
            if (piece === null) return found
            found.push(String(piece))
          }
        })()
        for (const chunk of chunks) {
          reader.feedData(chunk)
          await Promise.resolve()
        }
        reader.feedEof()
        const pieces = text.split(separator).slice(0, -1)
        expect(await reading).toEqual(pieces.map((piece) => piece + separator))
      }),
    ),
  ))

/** The pieces of `text` up to each separator that ends first, and the shortest one of those that end at one position. */
function divided(text: string, separators: readonly string[]): string[] {
  const pieces: string[] = []
  let begin = 0
  for (let end = 1; end <= text.length; end++) {
    const piece = text.slice(begin, end)
    if (!separators.some((separator) => piece.endsWith(separator))) continue
    pieces.push(piece)
    begin = end
  }
  return pieces
}

test.each([true, false])(
  'readUntil with several separators stops at the separator that ends first, for random bytes; buffered: %s',
  (isBuffered) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.nat(2_000)), { maxLength: 20 }),
        fc.uniqueArray(fc.constantFrom('a', 'ab', 'abc', 'bca', 'xxab', 'never'), { minLength: 2 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        (parts, separators, sizes) =>
          run(async () => {
            const text = parts
              .map((part) => (typeof part === 'number' ? 'x'.repeat(part) : part))
              .join('')
            const reader = new StreamReader({ limit: Infinity })
            const feed = async (): Promise<void> => {
              for (let at = 0, i = 0; at < text.length; i++) {
                const size = sizes[i % sizes.length] as number
                reader.feedData(text.slice(at, at + size))
                at += size
                if (!isBuffered) await Promise.resolve()
              }
              reader.feedEof()
            }
            if (isBuffered) await feed()
            const fed = isBuffered ? null : feed()
            const found: string[] = []
            for (;;) {
              const piece = await reader.readUntil(separators).catch(() => null)
              if (piece === null) break
              found.push(String(piece))
            }
            await fed
            expect(found).toEqual(divided(text, separators))
          }),
      ),
    ),
)

test('reads of random sizes give every byte once and in order', () =>
  fc.assert(
    fc.asyncProperty(chunked, fc.array(fc.nat(12)), async ({ text, chunks }, sizes) => {
      const reader = new StreamReader()
      for (const chunk of chunks) reader.feedData(chunk)
      reader.feedEof()
      let read = ''
      for (const [i, size] of sizes.entries()) {
        if (i % 2 === 0) read += String(await reader.read(size))
        else if (text.length - read.length >= size) read += String(await reader.readExactly(size))
      }
      read += String(await reader.read())
      expect(read).toBe(text)
      expect(reader.atEof()).toBe(true)
    }),
  ))
