import type { StreamReader } from '@tasktree/streams'
import { StringDecoder } from 'node:string_decoder'

/** A longer line comes in pieces: a process must not fill the memory with one. */
const longestLine = 1_048_576

/** The lines without their ends, complete and in order whatever the pieces they come in. */
export async function* textLines(reader: StreamReader): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  let line = ''
  for (;;) {
    const chunk = await reader.read(65_536)
    const pieces = (chunk.length === 0 ? decoder.end() : decoder.write(chunk)).split('\n')
    const rest = pieces.pop() as string
    for (const piece of pieces) {
      line += piece
      yield line.endsWith('\r') ? line.slice(0, -1) : line
      line = ''
    }
    line += rest
    if (line.length > longestLine || (chunk.length === 0 && line !== '')) {
      yield line
      line = ''
    }
    if (chunk.length === 0) return
  }
}
