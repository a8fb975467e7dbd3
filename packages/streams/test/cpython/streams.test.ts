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
test('feedData of a StreamReader adds its bytes to the buffer, and an empty chunk changes nothing', async () => {
  const empty = fed(undefined, '')
  expect(await rest(empty)).toBe('')
  const reader = fed(undefined, DATA)
  expect(await rest(reader)).toBe(DATA)
})

// test_read_zero
test('read(0) takes no bytes', async () => {
  const reader = fed(undefined, DATA)
  expect(String(await reader.read(0))).toBe('')
  expect(await rest(reader)).toBe(DATA)
})

// test_read
test('a waiting read gets the bytes that are fed', () =>
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
test('read(n) ignores line endings, and takes at most n bytes', async () => {
  const reader = fed(undefined, 'line1', 'line2')
  expect(String(await reader.read(5))).toBe('line1')
  expect(await rest(reader)).toBe('line2')
})

// test_read_eof
test('read gives no bytes at the end of the stream', () =>
  run(async () => {
    const reader = new StreamReader()
    const data = await whileWaiting(
      () => reader.read(1024),
      () => reader.feedEof(),
    )
    expect(data.length).toBe(0)
  }))

// test_read_until_eof
test('read without a size waits for the end of the stream and gives all bytes', () =>
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
])(
  '%s throws the exception of the stream, even if bytes are in the buffer',
  async (_, read, first) => {
    const reader = fed(undefined, 'line\n')
    expect(String(await read(reader))).toBe(first)
    const failure = new Failure()
    reader.setException(failure)
    expect(await thrown(read(reader))).toBe(failure)
  },
)

// test_invalid_limit
test('new StreamReader refuses a limit of zero or less', () => {
  expect(() => new StreamReader({ limit: 0 })).toThrow('limit')
  expect(() => new StreamReader({ limit: -1 })).toThrow(RangeError)
})

// test_read_limit, test_readexactly_limit
test('read and readExactly may give more bytes than the limit, which counts only for lines', async () => {
  expect(String(await fed(3, 'chunk').read(5))).toBe('chunk')
  expect(String(await fed(3, 'chunk').readExactly(5))).toBe('chunk')
})

// test_readline
test('readLine gives a line that comes in several chunks', () =>
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
test('readLine drops a line above the limit, with its line feed if that is in the buffer', async () => {
  const whole = fed(3, 'li', 'ne1\nline2\n')
  expect(await thrown(whole.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(whole)).toBe('line2\n')
  const part = fed(3, 'li', 'ne1', 'li')
  expect(await thrown(part.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(part)).toBe('')
})

// test_at_eof
test('atEof() is true when the stream has ended and all bytes are read', async () => {
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
])('readLine drops only the line that grows over the limit while it waits: %s', (_, chunks, left) =>
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
test('readLine accepts a line with as many bytes as the limit, and not one byte more', async () => {
  const reader = fed(7, '1234567\n')
  expect(String(await reader.readLine())).toBe('1234567\n')
  reader.feedData('12345678\n')
  expect(await thrown(reader.readLine())).toBeInstanceOf(LimitOverrunError)
  reader.feedData('12345678')
  expect(await thrown(reader.readLine())).toBeInstanceOf(LimitOverrunError)
  expect(await rest(reader)).toBe('')
})

// test_readline_nolimit_nowait
test('readLine gives a line that is in the buffer without waiting', async () => {
  const reader = fed(undefined, DATA.slice(0, 6), DATA.slice(6))
  expect(String(await reader.readLine())).toBe('line1\n')
  expect(await rest(reader)).toBe('line2\nline3\n')
})

// test_readline_eof, test_readline_empty_eof
test('readLine at the end of the stream gives the bytes that are left, or none', async () => {
  for (const last of ['some data', '']) {
    const reader = fed(undefined, last)
    reader.feedEof()
    expect(String(await reader.readLine())).toBe(last)
  }
})

// test_readline_read_byte_count
test('readLine and read can take turns', async () => {
  const reader = fed(undefined, DATA)
  await reader.readLine()
  expect(String(await reader.read(7))).toBe('line2\nl')
  expect(await rest(reader)).toBe('ine3\n')
})

// test_readuntil_separator
test('readUntil refuses an empty separator and an empty list of separators', () => {
  const reader = new StreamReader()
  expect(() => reader.readUntil('')).toThrow(RangeError)
  expect(() => reader.readUntil([''])).toThrow(RangeError)
  expect(() => reader.readUntil([])).toThrow(RangeError)
})

// test_readuntil_multi_chunks
test('readUntil finds a separator of several bytes', async () => {
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
])('readUntil finds the separator aaa in the chunks %j', async (chunks, expected) => {
  const reader = fed(undefined, ...chunks)
  expect(String(await reader.readUntil('aaa'))).toBe(expected)
  expect(await rest(reader)).toBe('')
})

// test_readuntil_eof
test('readUntil throws an IncompleteReadError with the rest if the stream ends without the separator', async () => {
  const reader = fed(undefined, 'some dataAA')
  reader.feedEof()
  const error = await thrown(reader.readUntil('AAA'))
  expect(error).toBeInstanceOf(IncompleteReadError)
  expect(error).toMatchObject({ partial: Buffer.from('some dataAA'), expected: null })
  expect(reader.atEof()).toBe(true)
})

// test_readuntil_limit_found_sep
test('readUntil above the limit takes no bytes, whether the separator has come or not', async () => {
  const reader = fed(3, 'some dataAA')
  expect(String(await thrown(reader.readUntil('AAA')))).toContain('no separator')
  reader.feedData('A')
  const error = await thrown(reader.readUntil('AAA'))
  expect(error).toBeInstanceOf(LimitOverrunError)
  expect(String(error)).toContain('the separator comes after 9 bytes')
  expect(await rest(reader)).toBe('some dataAAA')
})

// test_readuntil_multi_separator
test('readUntil with several separators stops at the separator that ends first', async () => {
  const reader = fed(undefined, 'line 1\nline 2\r')
  expect(String(await reader.readUntil(['\r', '\n']))).toBe('line 1\n')
  expect(String(await reader.readUntil(['\r', '\n']))).toBe('line 2\r')
  reader.feedData('ABCDEFG')
  expect(String(await reader.readUntil(['DEF', 'BCDE']))).toBe('ABCDE')
  expect(await rest(reader)).toBe('FG')
})

// test_readuntil_multi_separator_limit
test('readUntil counts the shorter of two separators with the same end for the limit', async () => {
  const reader = fed(3, 'some dataA')
  const error = await thrown(reader.readUntil(['A', 'ome dataA']))
  expect(error).toMatchObject({ consumed: 9 })
  expect(await rest(reader)).toBe('some dataA')
})

// test_readuntil_multi_separator_negative_offset
test('readUntil accepts a separator that is longer than the bytes in the buffer', () =>
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
test('readUntil accepts a Uint8Array as the separator', async () => {
  const reader = fed(undefined, 'some data\r\n')
  expect(String(await reader.readUntil(new Uint8Array([13, 10])))).toBe('some data\r\n')
})

// test_readexactly_zero_or_less
test('readExactly(0) gives no bytes, and readExactly(-1) throws', async () => {
  const reader = fed(undefined, DATA)
  expect((await reader.readExactly(0)).length).toBe(0)
  expect(() => reader.readExactly(-1)).toThrow(RangeError)
  expect(await rest(reader)).toBe(DATA)
})

// test_readexactly
test('readExactly gives the requested number of bytes from several chunks', () =>
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
test('readExactly throws an IncompleteReadError with the bytes if the stream ends too early', () =>
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
test('exception() gives the exception that setException was given', () => {
  const reader = new StreamReader()
  expect(reader.exception()).toBeNull()
  const failure = new Failure()
  reader.setException(failure)
  expect(reader.exception()).toBe(failure)
})

// test_exception_waiter
test('a waiting readLine throws the exception that setException was given', () =>
  run(async () => {
    const reader = new StreamReader()
    const reading = createTask(() => reader.readLine())
    const failing = createTask(async () => reader.setException(new Failure()))
    await wait([reading, failing])
    expect(() => reading.result()).toThrow(Failure)
  }))

// test_exception_cancel
test('an exception that is set after the cancel of a read is thrown by the next read', () =>
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
test('a StreamReader reads a pipe of a child process to its end, although there are more bytes than its limit', async () => {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('data')"])
  const reader = StreamReader.from(child.stdout, { limit: 1 })
  await once(child, 'exit')
  expect(String(await reader.read())).toBe('data')
})

// test_streamreader_constructor_use_running_loop, _use_global_loop, _without_loop
test('a StreamReader made outside of every loop waits in the loop of the code that reads', async () => {
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
test('ten tasks can wait in FlowControl.drain, and all go on when writing resumes', () =>
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
test('a task that writes and drains in a loop gets an error when the sink fails', () =>
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
