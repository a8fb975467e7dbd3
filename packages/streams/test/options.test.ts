import { Readable, Writable } from 'node:stream'
import { copy, copyBidirectional, StreamReader, StreamWriter } from '@tasktree/streams'
import { refusesWrongOptions } from '../../core/test/support/wrong-options.ts'

const reader = (): StreamReader => new StreamReader()
const writer = (): StreamWriter => StreamWriter.to(new Writable())
const signal = { signal: 'other' } as const

refusesWrongOptions({
  StreamReader: [(o) => new StreamReader(o), { limit: 'count' }],
  'StreamReader.from': [(o) => StreamReader.from(Readable.from([]), o), { limit: 'count' }],
  'StreamReader.read': [(o) => reader().read(1, o), signal],
  'StreamReader.readLine': [(o) => reader().readLine(o), signal],
  'StreamReader.readExactly': [(o) => reader().readExactly(1, o), signal],
  'StreamReader.readUntil': [(o) => reader().readUntil('x', o), signal],
  'StreamReader.readInto': [(o) => reader().readInto(new Uint8Array(1), o), signal],
  'StreamReader.peek': [(o) => reader().peek(1, o), signal],
  'StreamReader.lines': [(o) => reader().lines('utf8', o), signal],
  'StreamWriter.drain': [(o) => writer().drain(o), signal],
  'StreamWriter.waitClosed': [(o) => writer().waitClosed(o), signal],
  copy: [(o) => copy(reader(), writer(), o), signal],
  copyBidirectional: [
    (o) => copyBidirectional([reader(), writer()], [reader(), writer()], o),
    signal,
  ],
})
