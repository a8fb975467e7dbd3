import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Recorded } from './program.ts'

/** Reads the programs of a trace file that `cpython/record.py` has written. */
export function readTraces(path: string): AsyncIterable<Recorded> {
  const file = createReadStream(path)
  return parseTraces(path.endsWith('.gz') ? file.pipe(createGunzip()) : file)
}

export async function* parseTraces(input: Readable): AsyncIterable<Recorded> {
  for await (const line of createInterface({ input })) yield JSON.parse(line) as Recorded
}
