import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'
import type { WaitOptions } from './waiters.ts'

/**
 * Copies until the end of `reader`, no faster than `writer` takes it; returns how many bytes. It closes neither.
 *
 * @throws {TypeError} for anything but a StreamReader and a StreamWriter
 */
export function copy(
  reader: StreamReader,
  writer: StreamWriter,
  options?: WaitOptions,
): Promise<number> {
  if (!(reader instanceof StreamReader)) {
    throw new TypeError(`copy takes a StreamReader to copy from, got ${describe(reader)}`)
  }
  if (!(writer instanceof StreamWriter)) {
    throw new TypeError(`copy takes a StreamWriter to copy to, got ${describe(writer)}`)
  }
  checkOptions(options)
  return copyAll(reader, writer, options)
}

async function copyAll(
  reader: StreamReader,
  writer: StreamWriter,
  options: WaitOptions | undefined,
): Promise<number> {
  let copied = 0
  for (;;) {
    const chunk = await reader.read(reader.limit, options)
    if (chunk.length === 0) return copied
    writer.write(chunk)
    await writer.drain(options)
    copied += chunk.length
  }
}
