import { createTask, run, sleep, wait } from '@tasktree/core'
import { LimitOverrunError, StreamReader } from '@tasktree/streams'
import { expect, test } from 'vitest'

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => error,
  )

test('lines of one chunk are views of the chunk, without a copy', async () => {
  const reader = new StreamReader()
  const chunk = Buffer.from('line one\nline two\n')
  reader.feedData(chunk)
  reader.feedData(chunk)
  for (let i = 0; i < 4; i++) expect((await reader.readLine()).buffer).toBe(chunk.buffer)
})

test('StreamReader refuses wrong arguments at the call', () => {
  const reader = new StreamReader()
  expect(() => reader.read(1.5)).toThrow(TypeError)
  expect(() => reader.readExactly(-1)).toThrow(RangeError)
  expect(() => reader.readUntil('')).toThrow(RangeError)
  expect(() => reader.readUntil([])).toThrow(RangeError)
  expect(() => reader.lines('latin9' as 'utf8')).toThrow(RangeError)
  expect(() => new StreamReader({ limit: 0 })).toThrow(RangeError)
  expect(() => reader.feedData(3 as never)).toThrow(TypeError)
  expect(() => StreamReader.from(3 as never)).toThrow(TypeError)
})

test('StreamReader refuses wrong options at the call, and can be read afterwards', async () => {
  const reader = new StreamReader()
  const reads = [
    (options: never) => reader.read(1, options),
    (options: never) => reader.read(-1, options),
    (options: never) => reader.readLine(options),
    (options: never) => reader.readExactly(1, options),
    (options: never) => reader.readUntil('\n', options),
    (options: never) => reader.lines('utf8', options),
  ]
  for (const read of reads) {
    expect(() => read(5 as never)).toThrow(
      new TypeError('the options must be an object, got number 5'),
    )
    expect(() => read({ signal: 'x' } as never)).toThrow(
      new TypeError('the option signal must be an AbortSignal, got string x'),
    )
  }
  expect(() => reader.readUntil(3 as never)).toThrow(
    new TypeError('expected a Buffer, Uint8Array or string, got number 3'),
  )
  reader.feedData('free')
  reader.feedEof()
  expect(String(await reader.read())).toBe('free')
})

test('readUntil stops at the separator that ends first, or at the shorter of two with the same end', async () => {
  const reader = new StreamReader()
  reader.feedData('one;two\r\nthree')
  expect(String(await reader.readUntil(['\r\n', ';']))).toBe('one;')
  expect(String(await reader.readUntil(['\n', '\r\n']))).toBe('two\r\n')
})

test('readUntil above the limit takes no bytes, and its error says how many there are', async () => {
  const reader = new StreamReader({ limit: 4 })
  reader.feedData('123456')
  const error = await outcome(reader.readUntil('\n'))
  expect(error).toBeInstanceOf(LimitOverrunError)
  expect(error).toMatchObject({ consumed: 6 })
  reader.feedData('\nx\n')
  expect(await outcome(reader.readUntil('\n'))).toMatchObject({ consumed: 6 })
  expect(String(await reader.readExactly(7))).toBe('123456\n')
  expect(String(await reader.readUntil('\n'))).toBe('x\n')
})

test('a StreamReader pauses its source above twice the limit and resumes it at the limit', async () => {
  const calls: string[] = []
  const reader = new StreamReader({ limit: 10 })
  reader.setTransport({
    pauseReading: () => calls.push('pause'),
    resumeReading: () => calls.push('resume'),
  })
  reader.feedData('x'.repeat(20))
  expect(calls).toEqual([])
  reader.feedData('y')
  expect(calls).toEqual(['pause'])
  await reader.read(10)
  expect(calls).toEqual(['pause'])
  await reader.read(1)
  expect(calls).toEqual(['pause', 'resume'])
})

test('the error of the source is thrown by the waiting read and by every later read', () =>
  run(async () => {
    const reader = new StreamReader()
    const reading = createTask(() => reader.readLine())
    await sleep(0)
    const failure = new Error('gone')
    reader.setException(failure)
    await wait([reading])
    expect(reading.exception()).toBe(failure)
    expect(await outcome(reader.read(1))).toBe(failure)
    expect(reader.exception()).toBe(failure)
  }))

test('a read that is cancelled in the turn in which its bytes come is cancelled, and the bytes stay', () =>
  run(async () => {
    const reader = new StreamReader()
    for (const dataFirst of [true, false]) {
      const reading = createTask(() => reader.readLine())
      await sleep(0)
      if (dataFirst) reader.feedData('line\n')
      reading.cancel()
      if (!dataFirst) reader.feedData('line\n')
      await wait([reading])
      expect(reading.cancelled()).toBe(true)
      expect(String(await reader.readLine())).toBe('line\n')
    }
  }))

test(
  'reading a line of a million bytes that come one by one takes linear time',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const size = 1 << 20
      const reader = new StreamReader({ limit: size })
      const reading = reader.readLine()
      const byte = Buffer.from('x')
      for (let i = 0; i < size; i++) {
        reader.feedData(byte)
        if (i % 1024 === 0) await sleep(0)
      }
      reader.feedData('\n')
      expect((await reading).length).toBe(size + 1)
    }),
)

test('StreamReader.from takes no more from an iterable than the buffer has room for', () =>
  run(async () => {
    let given = 0
    async function* source(): AsyncGenerator<Buffer> {
      for (;;) {
        given++
        yield Buffer.alloc(100)
      }
    }
    const reader = StreamReader.from(source(), { limit: 500 })
    await sleep(0)
    await sleep(0)
    expect(given).toBe(11)
    await reader.readExactly(1000)
    await sleep(0)
    expect(given).toBeLessThan(23)
  }))

test('StreamReader.from accepts a web stream, and lines() gives its lines', async () => {
  const reader = StreamReader.from(new Response('one\r\ntwo\nrest').body as ReadableStream)
  const lines: string[] = []
  for await (const line of reader.lines()) lines.push(line)
  expect(lines).toEqual(['one', 'two', 'rest'])
})

test('a read that is cancelled before its turn takes no bytes', () =>
  run(async () => {
    const reader = new StreamReader()
    const first = createTask(() => reader.read(10))
    await sleep(0)
    reader.feedData('abc')
    first.cancel()
    await wait([first])
    expect(first.cancelled()).toBe(true)
    const second = createTask(() => reader.read(10))
    await sleep(0)
    expect(String(await second)).toBe('abc')
    const controller = new AbortController()
    const third = reader.read(10, { signal: controller.signal })
    reader.feedData('def')
    controller.abort()
    const got = await third.then(String, () => '')
    const fourth = reader.read(10)
    reader.feedEof()
    expect(got + String(await fourth) + String(await reader.read())).toBe('def')
  }))
