import type { StreamReader } from './stream-reader.ts'
import type { StreamWriter } from './stream-writer.ts'

/** Copies until the end, at the pace of the slower side; gives the number of bytes. The writer stays open. */
export async function copy(reader: StreamReader, writer: StreamWriter): Promise<number> {
  let copied = 0
  for (;;) {
    const chunk = await reader.read(65_536)
    if (chunk.length === 0) return copied
    writer.write(chunk)
    await writer.drain()
    copied += chunk.length
  }
}
