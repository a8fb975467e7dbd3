export { compactCopy } from './compact-copy.ts'
export { copy, copyBidirectional, type StreamPair } from './copy.ts'
export { IncompleteReadError, LimitOverrunError } from './errors.ts'
export { FlowControl } from './drain-waits.ts'
export {
  AddressInUseError,
  BrokenPipeError,
  ConnectionRefusedError,
  ConnectionResetError,
  GaiError,
  OSError,
  type OSErrorOptions,
  toOSError,
} from './os-error.ts'
export type { ReadTransport } from './receive-buffer.ts'
export { StreamReader, type StreamReaderOptions } from './stream-reader.ts'
export { StreamWriter } from './stream-writer.ts'
export type { WaitOptions } from './wait-options.ts'
export { type WriteBufferLimits, type WriteProtocol, WriteTransport } from './write-transport.ts'
