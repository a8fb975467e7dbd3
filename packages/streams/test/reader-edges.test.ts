import { Readable } from 'node:stream'
import { createTask, Future, run, RuntimeError, sleep, timeout, wait } from '@tasktree/core'
import { compactCopy, IncompleteReadError, StreamReader } from '@tasktree/streams'
import { expect, test } from 'vitest'

// Tests the first and the last moment of a stream. No byte may be lost, and no read may wait for ever.

const failure = new Error('the source failed')

const outcome = (promise: PromiseLike<unknown>): PromiseLike<unknown> =>
  timeout(1000, () => promise).then(String, (error: unknown) => error)

/** Functions that make a source, which gives `text` and then fails at once. */
const failing: Record<string, (text: string) => Parameters<typeof StreamReader.from>[0]> = {
  'an async generator': async function* (text) {
    await sleep(1)
    yield Buffer.from(text)
    throw failure
  },
  'a web stream': (text) =>
    new ReadableStream({
      async start(controller) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        controller.enqueue(Buffer.from(text))
      },
      pull(controller) {
        controller.error(failure)
      },
    }),
  'a Readable of Node': (text) => {
    const readable = new Readable({ read() {} })
    readable.once('data', () => readable.destroy(failure))
    setTimeout(() => readable.push(text), 1)
    return readable
  },
}

const reads: Record<string, (reader: StreamReader) => Promise<unknown>> = {
  readLine: (reader) => reader.readLine(),
  'read()': (reader) => reader.read(),
  readExactly: (reader) => reader.readExactly(9),
  readUntil: (reader) => reader.readUntil('\r\n'),
  peek: (reader) => reader.peek(9),
}

for (const [kind, source] of Object.entries(failing)) {
  test.each(Object.entries(reads))(
    `${kind} that fails right after its last chunk makes a waiting %s throw its error`,
    (_, read) =>
      run(async () => expect(await outcome(read(StreamReader.from(source('abc'))))).toBe(failure)),
  )

  test(`${kind} that fails loses no byte that came before the failure`, () =>
    run(async () => {
      const chunked = StreamReader.from(source('abc'))
      expect(await outcome(chunked.read(9))).toBe('abc')
      expect(await outcome(chunked.read(9))).toBe(failure)
      expect(chunked.atEof()).toBe(false)
      const lines: string[] = []
      const reading = (async () => {
        for await (const line of StreamReader.from(source('one\ntwo\nrest')).lines()) {
          lines.push(line)
        }
      })()
      expect(await outcome(reading)).toBe(failure)
      expect(lines).toEqual(['one', 'two'])
    }))
}

test('a waiting read that has all its bytes gets them although the source fails in the same turn', () =>
  run(async () => {
    for (const [read, expected] of [
      [(reader: StreamReader) => reader.readLine(), 'a\n'],
      [(reader: StreamReader) => reader.read(9), 'a\nb'],
      [(reader: StreamReader) => reader.readExactly(3), 'a\nb'],
      [(reader: StreamReader) => reader.readExactly(4), failure],
      [(reader: StreamReader) => reader.readUntil(';'), failure],
      [(reader: StreamReader) => reader.read(), failure],
    ] as const) {
      const reader = new StreamReader()
      const reading = createTask(() => read(reader))
      await sleep(0)
      reader.feedData('a\nb')
      reader.setException(failure)
      expect(await outcome(reading)).toBe(expected)
      expect(await outcome(reader.read(1))).toBe(failure)
    }
  }))

test('a read right after a cancelled read gets the bytes, whether they or the cancel came first', () =>
  run(async () => {
    for (const read of [
      (reader: StreamReader) => reader.read(9),
      (reader: StreamReader) => reader.readLine(),
      (reader: StreamReader) => reader.readExactly(2),
      (reader: StreamReader) => reader.readUntil('\n'),
      (reader: StreamReader) => reader.peek(2),
    ]) {
      for (const isFedFirst of [true, false]) {
        const reader = new StreamReader()
        const first = createTask(() => read(reader))
        await sleep(0)
        if (isFedFirst) reader.feedData('a\n')
        first.cancel()
        if (!isFedFirst) reader.feedData('a\n')
        expect(await outcome(read(reader))).toBe('a\n')
        await wait([first])
        expect(first.cancelled()).toBe(true)
      }
    }
  }))

test('a second read is refused while a task that has caught a cancel waits in its read', () =>
  run(async () => {
    for (const isFed of [false, true]) {
      const reader = new StreamReader()
      const first = createTask(async () => {
        // The task swallows a cancel, as asyncio allows, and reads on.
        await sleep(60_000).catch(() => {})
        return String(await reader.readUntil(';'))
      })
      await sleep(0)
      first.cancel()
      await sleep(0)
      reader.feedData('a')
      await sleep(0)
      if (isFed) reader.feedData('b;c')
      // If `isFed` is true, the read has been woken. No code has cancelled this read.
      expect(() => reader.unread('x;')).toThrow(RuntimeError)
      expect(await outcome(reader.read(9))).toBeInstanceOf(RuntimeError)
      if (!isFed) reader.feedData('b;c')
      expect(await outcome(first)).toBe('ab;')
      expect(await outcome(reader.read(9))).toBe('c')
    }
  }))

test('StreamReader.peek gives bytes without taking them, over several chunks and at the end', () =>
  run(async () => {
    const reader = new StreamReader()
    const peeking = createTask(() => reader.peek(4))
    await sleep(0)
    reader.feedData('ab')
    await sleep(0)
    expect(peeking.done()).toBe(false)
    reader.feedData('cde')
    expect(String(await peeking)).toBe('abcd')
    expect(String(await reader.peek(0))).toBe('')
    expect(String(await reader.read(2))).toBe('ab')
    expect(String(await reader.peek(2))).toBe('cd')
    reader.feedEof()
    expect(String(await reader.peek(99))).toBe('cde')
    expect(String(await reader.read())).toBe('cde')
    expect(String(await reader.peek(1))).toBe('')
    expect(() => reader.peek(-1)).toThrow(RangeError)
    expect(() => reader.peek(1.5)).toThrow(TypeError)
  }))

test('StreamReader.readInto fills a buffer of the caller, and returns 0 at the end', () =>
  run(async () => {
    const reader = new StreamReader()
    const target = Buffer.alloc(4, '.')
    const reading = createTask(() => reader.readInto(target))
    await sleep(0)
    reader.feedData('ab')
    expect(await reading).toBe(2)
    expect(String(target)).toBe('ab..')
    reader.feedData('cdef')
    reader.feedData('gh')
    expect(await reader.readInto(new Uint8Array(0))).toBe(0)
    expect(await reader.readInto(target.subarray(1))).toBe(3)
    expect(String(target)).toBe('acde')
    expect(await reader.readInto(target)).toBe(3)
    expect(String(target)).toBe('fghe')
    reader.feedEof()
    expect(await reader.readInto(target)).toBe(0)
    expect(() => reader.readInto([] as never)).toThrow(TypeError)
  }))

test('bytes passed to StreamReader.unread are read first, even after the end', () =>
  run(async () => {
    const reader = new StreamReader()
    reader.feedData('line\nrest')
    expect(String(await reader.read(3))).toBe('lin')
    reader.unread('LIN')
    reader.unread('>')
    expect(String(await reader.readLine())).toBe('>LINe\n')
    reader.feedEof()
    expect(String(await reader.read())).toBe('rest')
    expect(reader.atEof()).toBe(true)
    reader.unread('st')
    expect(reader.atEof()).toBe(false)
    expect(String(await reader.readLine())).toBe('st')
    const waiting = new StreamReader()
    const reading = createTask(() => waiting.readLine())
    await sleep(0)
    expect(() => waiting.unread('x')).toThrow(RuntimeError)
    waiting.feedEof()
    await reading
  }))

test('StreamReader.close closes the source, and makes a waiting read throw', () =>
  run(async () => {
    const closed: string[] = []
    const never = new Future<void>()
    const readable = new Readable({ read() {} })
    readable.on('close', () => closed.push('node'))
    const sources = {
      iterable: (async function* () {
        try {
          yield Buffer.from('x')
          await never
        } finally {
          closed.push('iterable')
        }
      })(),
      web: new ReadableStream<Uint8Array>({ cancel: () => void closed.push('web') }),
      node: readable,
    }
    for (const [name, source] of Object.entries(sources)) {
      const reader = StreamReader.from(source)
      const reading = createTask(() => reader.readExactly(9))
      await sleep(1)
      await reader.close()
      expect(closed.at(-1)).toBe(name)
      expect(await outcome(reading)).toBeInstanceOf(RuntimeError)
      expect(await outcome(reader.read(1))).toMatchObject({ message: 'the reader was closed' })
      expect(() => reader.unread('x')).toThrow(RuntimeError)
      await reader[Symbol.asyncDispose]()
    }
  }))

test('StreamReader.close closes an iterable that is paused because the buffer is full', () =>
  run(async () => {
    let isClosed = false
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Buffer.alloc(100)
      } finally {
        isClosed = true
      }
    }
    const reader = StreamReader.from(endless(), { limit: 100 })
    await sleep(1)
    await reader.close()
    expect(isClosed).toBe(true)
  }))

test('a read from a source of objects throws a TypeError, and the source is closed', () =>
  run(async () => {
    const readable = Readable.from([{ a: 1 }])
    const reader = StreamReader.from(readable)
    expect(await outcome(reader.read())).toBeInstanceOf(TypeError)
    expect(readable.destroyed).toBe(true)
    let isClosed = false
    async function* numbers(): AsyncGenerator<never> {
      try {
        for (;;) yield 5 as never
      } finally {
        isClosed = true
      }
    }
    expect(await outcome(StreamReader.from(numbers()).readLine())).toBeInstanceOf(TypeError)
    await sleep(1)
    expect(isClosed).toBe(true)
    // A stream of Readable.from is in object mode even if it gives only bytes and texts. Such a source is accepted.
    expect(String(await StreamReader.from(Readable.from(['a', Buffer.from('b')])).read())).toBe(
      'ab',
    )
  }))

test("lines('utf16le') splits at line feeds, and not at a byte 0A of another character", () =>
  run(async () => {
    // The bytes of ਊ and Ā contain 0A 00 across the border between the two characters.
    const text = '\u0A0A\u0100\u010A\u0000x\r\nÿ\nrest\u0A0A'
    const bytes = Buffer.from(text, 'utf16le')
    for (const size of [1, 2, 3, 100]) {
      const reader = new StreamReader()
      for (let at = 0; at < bytes.length; at += size) reader.feedData(bytes.subarray(at, at + size))
      reader.feedEof()
      const lines: string[] = []
      for await (const line of reader.lines('utf16le')) lines.push(line)
      expect(lines).toEqual(text.split(/\r?\n/))
    }
  }))

test("lines('utf16le') drops a line above the limit without leaving half a character", () =>
  run(async () => {
    const text = `${'a'.repeat(20)}\nb\nc`
    const bytes = Buffer.from(text, 'utf16le')
    for (let arrived = 14; arrived <= bytes.length; arrived++) {
      const reader = new StreamReader({ limit: 10 })
      const lines: string[] = []
      let overruns = 0
      const readLines = async (): Promise<void> => {
        try {
          for await (const line of reader.lines('utf16le')) lines.push(line)
        } catch (error) {
          expect(error).toMatchObject({ name: 'LimitOverrunError' })
          overruns++
        }
      }
      reader.feedData(bytes.subarray(0, arrived))
      await readLines()
      reader.feedData(bytes.subarray(arrived))
      reader.feedEof()
      while (!reader.atEof()) await readLines()
      expect(overruns).toBeGreaterThan(0)
      expect(lines.slice(-2)).toEqual(['b', 'c'])
      expect(lines.join('')).toMatch(/^a*bc$/)
    }
    // Half a character after the last line must not change the characters of that line.
    const reader = new StreamReader()
    reader.feedData(Buffer.from('a\u0A0A', 'utf16le'))
    reader.feedData(Buffer.from([0]))
    reader.feedEof()
    const lines: string[] = []
    for await (const line of reader.lines('utf16le')) lines.push(line)
    expect(lines).toEqual(['a\u0A0A'])
  }))

test('the limit of a StreamReader must be a whole number above 0, or Infinity', async () => {
  expect(() => new StreamReader({ limit: 1000.5 })).toThrow(RangeError)
  expect(() => new StreamReader({ limit: Number.NaN })).toThrow(RangeError)
  const reader = new StreamReader({ limit: Infinity })
  reader.feedData('x'.repeat(1_000_000))
  reader.feedData('\n')
  expect((await reader.readLine()).length).toBe(1_000_001)
})

test('a read of more bytes than the limit gets them from a source that is paused at the limit', () =>
  run(async () => {
    let given = 0
    async function* source(): AsyncGenerator<Buffer> {
      for (; given < 100; given++) yield Buffer.alloc(100)
    }
    const reader = StreamReader.from(source(), { limit: 100 })
    expect((await timeout(1000, () => reader.readExactly(5000))).length).toBe(5000)
    expect((await timeout(1000, () => reader.peek(3000))).length).toBe(3000)
    expect((await timeout(1000, () => reader.read())).length).toBe(5000)
  }))

test('bytes from unread and from feedData are read in the right order', async () => {
  const reader = new StreamReader()
  let expected = ''
  for (let i = 0; i < 1000; i++) {
    reader.feedData(`${i};`)
    reader.unread(`${-i};`)
    expected = `${-i};${expected}${i};`
    if (i % 7 > 0) continue
    const read = String(await reader.readUntil(';'))
    expect(expected.startsWith(read)).toBe(true)
    expected = expected.slice(read.length)
  }
  reader.feedEof()
  expect(String(await reader.read())).toBe(expected)
})

test('a record that a read has given does not keep the whole chunk in memory', async () => {
  const chunk = Buffer.alloc(131_072, 'x'.repeat(99) + '\n')
  const reader = new StreamReader()
  reader.feedData(chunk)
  for (let i = 0; i < 100; i++) {
    const line = await reader.readLine()
    expect(line.buffer.byteLength).toBeLessThanOrEqual(16_384)
  }
  for (const n of [1000, 10_000, 60_000]) {
    const { length, buffer } = await reader.readExactly(n)
    expect(length).toBe(n)
    expect(buffer.byteLength).toBeLessThanOrEqual(Math.max(8 * n, Buffer.poolSize + 64))
  }
  // A socket reads up to 128 KiB into a block, and fills at least half of it.
  for (const n of [1000, 9000, 15_000]) {
    const half = new StreamReader()
    half.feedData(Buffer.allocUnsafeSlow(131_072).subarray(0, 65_536))
    const { length, buffer } = await half.readExactly(n)
    expect(buffer.byteLength).toBeLessThanOrEqual(Math.max(16_384, 8 * length))
  }
  // A small read of a socket is copied out of the buffer that all sockets share.
  for (const n of [5000, 8192, 9000, 16_000, 20_000, 40_000]) {
    const small = new StreamReader()
    small.feedData(compactCopy(Buffer.alloc(n)))
    for (const part of [100, 1000]) {
      const { buffer } = await small.readExactly(part)
      expect(buffer.byteLength).toBeLessThanOrEqual(16_384)
    }
  }
  const whole = new StreamReader()
  whole.feedData(chunk)
  expect((await whole.read(131_072)).buffer).toBe(chunk.buffer)
})

test('readExactly throws an IncompleteReadError if the stream ends too early', async () => {
  const reader = new StreamReader()
  reader.feedData('abc')
  reader.feedEof()
  expect(await outcome(reader.readExactly(4))).toBeInstanceOf(IncompleteReadError)
})
