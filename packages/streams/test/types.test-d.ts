import { copy, StreamReader, type StreamWriter } from '@tasktree/streams'

declare const reader: StreamReader
declare const writer: StreamWriter
export const line: Promise<Buffer> = reader.readLine({ signal: AbortSignal.abort() })
export const lines: AsyncIterable<string> = reader.lines()
export const copied: Promise<number> = copy(reader, writer)
export const made: StreamReader = StreamReader.from(new Response('x').body as ReadableStream)
export const held: AsyncDisposable = writer
// @ts-expect-error a number is not bytes
writer.write(1)
// @ts-expect-error a separator is bytes or text
void reader.readUntil(10)
