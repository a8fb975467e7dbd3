import type { StreamReader } from '@tasktree/streams'
import { StringDecoder } from 'node:string_decoder'
import { afterDelay } from '@tasktree/core/lowlevel'

/**
 * A line whose end has not come after this many characters is delivered in pieces, so that a process cannot fill the
 * memory with one line.
 */
const LONGEST_LINE = 1_048_576
/** Text without a newline that is followed by this many milliseconds of silence is a prompt. */
const PROMPT_SILENCE = 50

/**
 * Yields complete lines without their line ends, in order, however the text is divided into chunks. `onPrompt` is
 * called with the beginning of a line when the process seems to wait for an answer to this text. The complete line is
 * still yielded later.
 */
export async function* linesAndPrompts(
  reader: StreamReader,
  onPrompt: (text: string) => void,
): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  let line = ''
  for (;;) {
    const text = line
    const stopTimer = text === '' ? () => {} : afterDelay(PROMPT_SILENCE, () => onPrompt(text))
    let chunk: Buffer
    try {
      chunk = await reader.read(65_536)
    } finally {
      stopTimer()
    }
    const pieces = (chunk.length === 0 ? decoder.end() : decoder.write(chunk)).split('\n')
    const rest = pieces.pop() as string
    for (const piece of pieces) {
      line += piece
      yield line.endsWith('\r') ? line.slice(0, -1) : line
      line = ''
    }
    line += rest
    if (line.length > LONGEST_LINE || (chunk.length === 0 && line !== '')) {
      yield line
      line = ''
    }
    if (chunk.length === 0) return
  }
}
