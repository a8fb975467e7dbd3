import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { createTask, Future, gather, getRunningLoop, run, sleep, wait } from '@tasktree/core'
import {
  FlowControl,
  IncompleteReadError,
  LimitOverrunError,
  StreamReader,
  StreamWriter,
} from '@tasktree/streams'
import { expect, test } from 'vitest'
import { thrown } from '../../../../vitest.thrown.ts'

// Behaviours of Lib/test/test_asyncio/test_streams.py (CPython 3.13) that need no socket. The name of each case there stands above
// its test. The tests of @tasktree/net have the behaviours that need a socket.

const DATA = 'line1\nline2\nline3\n'

class Failure extends Error {}

function fed(limit: number | undefined, ...chunks: string[]): StreamReader {
  const reader = new StreamReader({ limit })
  for (const chunk of chunks) reader.feedData(Buffer.from(chunk))
  return reader
}

/** Ends the stream, and returns what is left in the buffer. */
async function rest(reader: StreamReader): Promise<string> {
  reader.feedEof()
  return String(await reader.read())
}

/** Starts a read, which waits, and calls `feed` in a later turn of the loop. Returns the result of the read. */
async function whileWaiting<T>(read: () => Promise<T>, feed: () => void): Promise<T> {
  const reading = createTask(read)
  getRunningLoop().callSoon(feed)
  return reading
}

// test_feed_empty_data, test_feed_nonempty_data
test('feedData adds its bytes to the buffer, and an empty chunk changes nothing', async () => {
  const empty = fed(undefined, '')
  expect(await rest(empty)).toBe('')
  const reader = fed(undefined, DATA)
  expect(await rest(reader)).toBe(DATA)
})

// test_read_zero
test('a read of zero bytes takes nothing', async () => {
  const reader = fed(undefined, DATA)
  expect(String(await reader.read(0))).toBe('')
  expect(await rest(reader)).toBe(DATA)
})

// test_read
test('a waiting read gets the bytes that come', () =>
  run(async () => {
    const reader = new StreamReader()
    const data = await whileWaiting(
      () => reader.read(30),
      () => reader.feedData(DATA),
    )
    expect(String(data)).toBe(DATA)
    expect(await rest(reader)).toBe('')
  }))

// test_read_line_breaks
test('a read ignores line endings, and takes no more bytes than it was asked for', async () => {
  const reader = fed(undefined, 'line1', 'line2')
  expect(String(await reader.read(5))).toBe('line1')
  expect(await rest(reader)).toBe('line2')
})

// test_read_eof
test('a read at the end of the stream is empty', () =>
  run(async () => {
    const reader = new StreamReader()
    const data = await whileWaiting(
      () => reader.read(1024),
      () => reader.feedEof(),
    )
    expect(data.length).toBe(0)
  }))

// test_read_until_eof
test('a read without a size waits for the end of the stream', () =>
  run(async () => {
    const reader = new StreamReader()
    const data = await whileWaiting(
      () => reader.read(-1),
      () => {
        reader.feedData('chunk1\n')
        reader.feedData('chunk2')
        reader.feedEof()
      },
    )
    expect(String(data)).toBe('chunk1\nchunk2')
  }))

// test_read_exception, test_readline_exception, test_readexactly_exception
test.each([
  ['read', (reader: StreamReader) => reader.read(2), 'li'],
  ['readLine', (reader: StreamReader) => reader.readLine(), 'line\n'],
  ['readExactly', (reader: StreamReader) => reader.readExactly(2), 'li'],
])('%s throws the exception of the stream, also when there are bytes', async (_, read, first) => {
  const reader = fed(undefined, 'line\n')
  expect(String(await read(reader))).toBe(first)
  const failure = new Failure()
  reader.setException(failure)
  expect(await thrown(read(reader))).toBe(failure)
})

// test_invalid_limit
test('a limit of zero and less is refused', () => {
  expect(() => new StreamReader({ limit: 0 })).toThrow('limit')
  expect(() => new StreamReader({ limit: -1 })).toThrow(RangeError)
})

// test_read_limit, test_readexactly_limit
test('the limit counts only for lines: other reads may take more bytes', async () => {
  expect(String(await fed(3, 'chunk').read(5))).toBe('chunk')
  expect(String(await fed(3, 'chunk').readExactly(5))).toBe('chunk')
})

// test_readline
test('a line may come in several chunks', () =>
  run(async () => {
    const reader = fed(undefined, 'chunk1 ')
    const line = await whileWaiting(
      () => reader.readLine(),
      () => {
        reader.feedData('chunk2 ')
        reader.feedData('chunk3 ')
        reader.feedData('\n chunk4')
      },
    )
    expect(String(line)).toBe('chunk1 chunk2 chunk3 \n')
    expect(await rest(reader)).toBe(' chunk4')
  }))

// test_readline_limit_with_existing_data
test('a line above the limit is dropped, with its end if that is there', async () => {
  const whole = fed(3, 'li', 'ne1\nline2\n')
  expect(await thrown(whole.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(whole)).toBe('line2\n')
  const part = fed(3, 'li', 'ne1', 'li')
  expect(await thrown(part.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(part)).toBe('')
})

// test_at_eof
test('a reader is at its end when the stream has ended and all bytes were read', async () => {
  const reader = new StreamReader()
  expect(reader.atEof()).toBe(false)
  reader.feedData('some data\n')
  expect(reader.atEof()).toBe(false)
  await reader.readLine()
  expect(reader.atEof()).toBe(false)
  reader.feedData('some data\n')
  reader.feedEof()
  expect(reader.atEof()).toBe(false)
  await reader.readLine()
  expect(reader.atEof()).toBe(true)
})

// test_readline_limit
test.each([
  ['one line', ['chunk1', 'chunk2', 'chunk3\n'], ''],
  ['two lines', ['chunk1', 'chunk2\n', 'chunk3\n'], 'chunk3\n'],
])('a line that grows over the limit is dropped, nothing else: %s', (_, chunks, left) =>
  run(async () => {
    const reader = new StreamReader({ limit: 7 })
    const reading = whileWaiting(
      () => reader.readLine(),
      () => {
        for (const chunk of chunks) reader.feedData(chunk)
        reader.feedEof()
      },
    )
    expect(await thrown(reading)).toBeInstanceOf(LimitOverrunError)
    expect(String(await reader.read())).toBe(left)
  }),
)

// test_readline_limit
test('a line may have as many bytes as the limit, not one more', async () => {
  const reader = fed(7, '1234567\n')
  expect(String(await reader.readLine())).toBe('1234567\n')
  reader.feedData('12345678\n')
  expect(await thrown(reader.readLine())).toBeInstanceOf(LimitOverrunError)
  reader.feedData('12345678')
  expect(await thrown(reader.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(reader)).toBe('')
})

// test_readline_nolimit_nowait
test('a line that is in the buffer is read without waiting', async () => {
  const reader = fed(undefined, DATA.slice(0, 6), DATA.slice(6))
  expect(String(await reader.readLine())).toBe('line1\n')
  expect(await rest(reader)).toBe('line2\nline3\n')
})

// test_readline_eof, test_readline_empty_eof
test('at the end of the stream a line is what is left, which may be empty', async () => {
  for (const last of ['some data', '']) {
    const reader = fed(undefined, last)
    reader.feedEof()
    expect(String(await reader.readLine())).toBe(last)
  }
})

// test_readline_read_byte_count
test('reads of lines and of bytes take turns', async () => {
  const reader = fed(undefined, DATA)
  await reader.readLine()
  expect(String(await reader.read(7))).toBe('line2\nl')
  expect(await rest(reader)).toBe('ine3\n')
})

// test_readuntil_separator
test('a separator must have a byte, and there must be one', () => {
  const reader = new StreamReader()
  expect(() => reader.readUntil('')).toThrow(RangeError)
  expect(() => reader.readUntil([''])).toThrow(RangeError)
  expect(() => reader.readUntil([])).toThrow(RangeError)
})

// test_readuntil_multi_chunks
test('a separator may have several bytes', async () => {
  const reader = fed(undefined, 'lineAAA')
  expect(String(await reader.readUntil('AAA'))).toBe('lineAAA')
  reader.feedData('lineAAA')
  expect(String(await reader.readUntil('AAA'))).toBe('lineAAA')
  reader.feedData('lineAAAxxx')
  expect(String(await reader.readUntil('AAA'))).toBe('lineAAA')
  expect(await rest(reader)).toBe('xxx')
})

// test_readuntil_multi_chunks_1
test.each([
  [['QWEaa', 'XYaa', 'a'], 'QWEaaXYaaa'],
  [['QWEaa', 'XYa', 'aa'], 'QWEaaXYaaa'],
  [['aaa'], 'aaa'],
  [['Xaaa'], 'Xaaa'],
  [['XXX', 'a', 'a', 'a'], 'XXXaaa'],
])('a separator that is cut: %j', async (chunks, expected) => {
  const reader = fed(undefined, ...chunks)
  expect(String(await reader.readUntil('aaa'))).toBe(expected)
  expect(await rest(reader)).toBe('')
})

// test_readuntil_eof
test('without its separator the rest is the partial of an IncompleteReadError', async () => {
  const reader = fed(undefined, 'some dataAA')
  reader.feedEof()
  const error = await thrown(reader.readUntil('AAA'))
  expect(error).toBeInstanceOf(IncompleteReadError)
  expect(error).toMatchObject({ partial: Buffer.from('some dataAA'), expected: null })
  expect(reader.atEof()).toBe(true)
})

// test_readuntil_limit_found_sep
test('above the limit nothing is consumed, whether the separator is there or not', async () => {
  const reader = fed(3, 'some dataAA')
  expect(String(await thrown(reader.readUntil('AAA')))).toContain('no separator')
  reader.feedData('A')
  const error = await thrown(reader.readUntil('AAA'))
  expect(error).toBeInstanceOf(LimitOverrunError)
  expect(String(error)).toContain('the separator comes after 9 bytes')
  expect(await rest(reader)).toBe('some dataAAA')
})

// test_readuntil_multi_separator
test('of several separators, readUntil stops at the one that ends first', async () => {
  const reader = fed(undefined, 'line 1\nline 2\r')
  expect(String(await reader.readUntil(['\r', '\n']))).toBe('line 1\n')
  expect(String(await reader.readUntil(['\r', '\n']))).toBe('line 2\r')
  reader.feedData('ABCDEFG')
  expect(String(await reader.readUntil(['DEF', 'BCDE']))).toBe('ABCDE')
  expect(await rest(reader)).toBe('FG')
})

// test_readuntil_multi_separator_limit
test('of two separators that end at one place, the shorter one counts for the limit', async () => {
  const reader = fed(3, 'some dataA')
  const error = await thrown(reader.readUntil(['A', 'ome dataA']))
  expect(error).toMatchObject({ consumed: 9 })
  expect(await rest(reader)).toBe('some dataA')
})

// test_readuntil_multi_separator_negative_offset
test('a separator may be longer than the bytes in the buffer', () =>
  run(async () => {
    const reader = fed(undefined, 'data')
    const data = await whileWaiting(
      () => reader.readUntil(['A', 'long sep']),
      () => {
        reader.feedData('Z')
        getRunningLoop().callSoon(() => reader.feedData('Aaaa'))
      },
    )
    expect(String(data)).toBe('dataZA')
    expect(await rest(reader)).toBe('aaa')
  }))

// test_readuntil_bytearray
test('a separator may be any bytes', async () => {
  const reader = fed(undefined, 'some data\r\n')
  expect(String(await reader.readUntil(new Uint8Array([13, 10])))).toBe('some data\r\n')
})

// test_readexactly_zero_or_less
test('readExactly(0) gives no bytes, and a negative number is refused', async () => {
  const reader = fed(undefined, DATA)
  expect((await reader.readExactly(0)).length).toBe(0)
  expect(() => reader.readExactly(-1)).toThrow(RangeError)
  expect(await rest(reader)).toBe(DATA)
})

// test_readexactly
test('readExactly gives the number of bytes, even over several chunks', () =>
  run(async () => {
    const reader = new StreamReader()
    const data = await whileWaiting(
      () => reader.readExactly(2 * DATA.length),
      () => {
        for (let i = 0; i < 3; i++) reader.feedData(DATA)
      },
    )
    expect(String(data)).toBe(DATA + DATA)
    expect(await rest(reader)).toBe(DATA)
  }))

// test_readexactly_eof
test('too few bytes are the partial of an IncompleteReadError', () =>
  run(async () => {
    const reader = new StreamReader()
    const reading = whileWaiting(
      () => reader.readExactly(36),
      () => {
        reader.feedData(DATA)
        reader.feedEof()
      },
    )
    expect(await thrown(reading)).toMatchObject({
      partial: Buffer.from(DATA),
      expected: 36,
      message: 'the stream ended after 18 bytes of 36 expected bytes',
    })
    expect(reader.atEof()).toBe(true)
  }))

// test_exception
test('exception() returns the exception that was set', () => {
  const reader = new StreamReader()
  expect(reader.exception()).toBeNull()
  const failure = new Failure()
  reader.setException(failure)
  expect(reader.exception()).toBe(failure)
})

// test_exception_waiter
test('a read that waits ends with the exception', () =>
  run(async () => {
    const reader = new StreamReader()
    const reading = createTask(() => reader.readLine())
    const failing = createTask(async () => reader.setException(new Failure()))
    await wait([reading, failing])
    expect(() => reading.result()).toThrow(Failure)
  }))

// test_exception_cancel
test('an exception after the cancel of a read is thrown by the next read', () =>
  run(async () => {
    const reader = new StreamReader()
    const reading = createTask(() => reader.readLine())
    await sleep(0)
    reading.cancel()
    reader.setException(new Failure())
    await wait([reading])
    expect(reading.cancelled()).toBe(true)
    expect(await thrown(reader.readLine())).toBeInstanceOf(Failure)
  }))

// test_read_all_from_pipe_reader
test('a pipe is read to its end, also when all of it is above the limit', async () => {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('data')"])
  const reader = StreamReader.from(child.stdout, { limit: 1 })
  await once(child, 'exit')
  expect(String(await reader.read())).toBe('data')
})

// test_streamreader_constructor_use_running_loop, _use_global_loop, _without_loop
test('a reader may be made outside of every loop, and waits in the loop of the code that reads', async () => {
  const reader = new StreamReader()
  await run(async () => {
    const line = await whileWaiting(
      () => reader.readLine(),
      () => reader.feedData('x\n'),
    )
    expect(String(line)).toBe('x\n')
  })
})

// test_multiple_drain
test('any number of calls may wait to drain', () =>
  run(async () => {
    const flow = new FlowControl()
    flow.pauseWriting()
    let drained = 0
    const drainers = Array.from({ length: 10 }, () => async (): Promise<void> => {
      await flow.drain()
      drained++
    })
    const all = gather(drainers)
    await sleep(0)
    expect(drained).toBe(0)
    flow.resumeWriting()
    await all
    expect(drained).toBe(10)
  }))

// test_drain_raises
test('a loop of write and drain notices that the sink has failed', () =>
  run(async () => {
    const sink = new PassThrough()
    const writer = StreamWriter.to(sink)
    const gone = new Future<void>()
    sink.resume().once('close', () => gone.setResult())
    const producer = createTask(async () => {
      for (;;) {
        writer.write('foo\n')
        await writer.drain()
      }
    })
    await sleep(0)
    sink.destroy(new Failure())
    await wait([producer])
    expect(producer.exception()).toBeInstanceOf(Error)
    await gone
  }))
