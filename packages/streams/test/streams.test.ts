import { PassThrough } from 'node:stream'
import { createTask, run, sleep, wait } from '@tasktree/core'
import {
  ConnectionResetError,
  copy,
  IncompleteReadError,
  LimitOverrunError,
  StreamReader,
  StreamWriter,
} from '@tasktree/streams'
import { expect, test, vi } from 'vitest'

function fed(...chunks: string[]): StreamReader {
  const reader = new StreamReader()
  for (const chunk of chunks) reader.feedData(Buffer.from(chunk))
  reader.feedEof()
  return reader
}

test('readLine gives the lines of several chunks, and the rest at the end', async () => {
  const reader = fed('one\ntw', 'o\nrest')
  expect(String(await reader.readLine())).toBe('one\n')
  expect(String(await reader.readLine())).toBe('two\n')
  expect(String(await reader.readLine())).toBe('rest')
  expect(String(await reader.readLine())).toBe('')
  expect(reader.atEof()).toBe(true)
})

test('readUntil finds a separator that is cut at any place', async () => {
  const text = 'ab<sep>cd'
  for (let cut = 0; cut <= text.length; cut++) {
    for (let second = cut; second <= text.length; second++) {
      const reader = fed(text.slice(0, cut), text.slice(cut, second), text.slice(second))
      expect(String(await reader.readUntil('<sep>'))).toBe('ab<sep>')
      expect(String(await reader.read())).toBe('cd')
    }
  }
})

test('readExactly throws an error with the bytes that came if the stream ends too early', async () => {
  const error = await fed('abc')
    .readExactly(5)
    .then(
      () => null,
      (error: unknown) => error,
    )
  expect(error).toBeInstanceOf(IncompleteReadError)
  expect(error).toMatchObject({ expected: 5, partial: Buffer.from('abc') })
})

test('readLine throws for a line above the limit, and gives the next line afterwards', async () => {
  const reader = new StreamReader({ limit: 10 })
  reader.feedData(Buffer.from(`${'x'.repeat(30)}\nnext\n`))
  await expect(reader.readLine()).rejects.toBeInstanceOf(LimitOverrunError)
  expect(String(await reader.readLine())).toBe('next\n')
})

test('a cancelled read takes no bytes, and a second read at the same time is refused', () =>
  run(async () => {
    const reader = new StreamReader()
    reader.feedData(Buffer.from('abc'))
    for (const read of [
      () => reader.readExactly(5),
      () => reader.read(),
      () => reader.readLine(),
    ]) {
      const task = createTask(read)
      await sleep(0)
      await expect(reader.read(1)).rejects.toThrow('while another task waits')
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    }
    reader.feedEof()
    expect(String(await reader.read())).toBe('abc')
  }))

test('copy refuses wrong arguments at the call', () => {
  const writer = StreamWriter.to(new PassThrough())
  expect(() => copy('reader' as never, writer)).toThrow(
    new TypeError('copy takes a StreamReader to copy from, got string reader'),
  )
  expect(() => copy(fed('x'), new PassThrough() as never)).toThrow(
    new TypeError('copy takes a StreamWriter to copy to, got an object of class PassThrough'),
  )
  expect(() => copy(fed('x'), writer, 5 as never)).toThrow(
    new TypeError('the options must be an object, got number 5'),
  )
  writer.abort()
})

test('copy moves a million bytes from a reader to a writer', () =>
  run(async () => {
    async function* source(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 100; i++) yield Buffer.alloc(10_000, i)
    }
    const sink = new PassThrough()
    let received = 0
    sink.on('data', (chunk: Buffer) => (received += chunk.length))
    expect(await copy(StreamReader.from(source()), StreamWriter.to(sink))).toBe(1_000_000)
    await sleep(0)
    expect(received).toBe(1_000_000)
  }))

test('drain throws when the sink is closed, and a write before it does not throw', async () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const sink = new PassThrough()
  const writer = StreamWriter.to(sink)
  writer.abort()
  await writer.waitClosed()
  writer.write('ignored')
  await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
})
