import type { StreamReader } from './stream-reader.ts'
import type { StreamWriter } from './stream-writer.ts'
import type { WaitOptions } from './waiters.ts'

/** Copies until the end of `reader`, no faster than `writer` takes it; returns how many bytes. It closes neither. */
export async function copy(
  reader: StreamReader,
  writer: StreamWriter,
  options?: WaitOptions,
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
