import { cancelTasks, gather } from '@tasktree/core'
import { createServiceTask, cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { WaitOptions } from './wait-options.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'

/** The most bytes of one read. Larger pieces bring no gain, because they would wait longer in the writer's buffer. */
const PIECE = 131_072

/**
 * Copies all bytes of `reader` to `writer`, no faster than `writer` accepts them, and returns the number of bytes.
 * Closes neither `reader` nor `writer`.
 *
 * @throws {TypeError} for anything but a StreamReader and a StreamWriter
 *
 * @example
 *     import { PassThrough, Readable } from 'node:stream'
 *
 *     const sink = new PassThrough()
 *     const reader = StreamReader.from(Readable.from(['some ', 'text']))
 *     console.log(await copy(reader, StreamWriter.to(sink))) // 9
 *     console.log(String(sink.read())) // some text
 */
export function copy(
  reader: StreamReader,
  writer: StreamWriter,
  options?: WaitOptions,
): Promise<number> {
  checkReader('copy', reader)
  checkWriter('copy', writer)
  checkOptions(options)
  return copyAll(reader, writer, options)
}

/** The reader and the writer of a connection, as `openConnection` returns them. */
export type StreamPair = readonly [reader: StreamReader, writer: StreamWriter]

/**
 * Copies from `a` to `b` and from `b` to `a` at the same time, each no faster than the receiving side accepts the
 * bytes. When one side has ended, `writeEof()` of the other side passes the end on, if the other side can end its writing
 * alone. The other direction continues until its end. When one direction fails, the other direction is cancelled. When the
 * call is cancelled, both directions are cancelled. Closes neither side.
 *
 * @returns the number of bytes from `a` to `b` and from `b` to `a`
 * @throws {TypeError} for anything but two pairs of a StreamReader and a StreamWriter
 * @throws the error of the first direction that failed
 *
 * @example
 *     import { type ClientHandler, openConnection, startServer } from '@tasktree/net'
 *
 *     const proxy: ClientHandler = async (reader, writer) => {
 *       const upstream = await openConnection('localhost', 5432) // the real server
 *       await copyBidirectional([reader, writer], upstream)
 *     }
 *     await using server = await startServer(proxy, 'localhost', 0)
 *     console.log(server.isServing()) // true
 */
export function copyBidirectional(
  a: StreamPair,
  b: StreamPair,
  options?: WaitOptions,
): Promise<[aToB: number, bToA: number]> {
  for (const pair of [a, b]) {
    if (!Array.isArray(pair)) {
      throw new TypeError(`copyBidirectional takes [reader, writer] twice, got ${describe(pair)}`)
    }
    checkReader('copyBidirectional', pair[0])
    checkWriter('copyBidirectional', pair[1])
  }
  checkOptions(options)
  return copyBoth(a, b, options)
}

async function copyBoth(
  a: StreamPair,
  b: StreamPair,
  options: WaitOptions | undefined,
): Promise<[number, number]> {
  const tasks = [
    createServiceTask(() => relay(a[0], b[1]), { name: 'copyBidirectional a to b' }),
    createServiceTask(() => relay(b[0], a[1]), { name: 'copyBidirectional b to a' }),
  ]
  try {
    const [aToB, bToA] = await cancelOnAbort(gather(tasks), options?.signal)
    return [aToB as number, bToA as number]
  } finally {
    await cancelTasks(tasks)
  }
}

async function relay(reader: StreamReader, writer: StreamWriter): Promise<number> {
  const copied = await copyAll(reader, writer, undefined)
  if (writer.canWriteEof() && !writer.isClosing()) {
    writer.writeEof()
    await writer.drain()
  }
  return copied
}

function checkReader(call: string, reader: unknown): void {
  if (reader instanceof StreamReader) return
  throw new TypeError(`${call} takes a StreamReader to copy from, got ${describe(reader)}`)
}

function checkWriter(call: string, writer: unknown): void {
  if (writer instanceof StreamWriter) return
  throw new TypeError(`${call} takes a StreamWriter to copy to, got ${describe(writer)}`)
}

async function copyAll(
  reader: StreamReader,
  writer: StreamWriter,
  options: WaitOptions | undefined,
): Promise<number> {
  let copied = 0
  for (;;) {
    const chunk = await reader.read(PIECE, options)
    if (chunk.length === 0) return copied
    writer.write(chunk)
    await writer.drain(options)
    copied += chunk.length
  }
}
