export { compactCopy } from './compact-copy.ts'
export { copy, copyBidirectional, type StreamPair } from './copy.ts'
export { IncompleteReadError, LimitOverrunError } from './errors.ts'
export { FlowControl, type WriteProtocol } from './flow-control.ts'
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
export { type ReadTransport, StreamReader, type StreamReaderOptions } from './stream-reader.ts'
export { StreamWriter } from './stream-writer.ts'
export type { WaitOptions } from './event-waiters.ts'
export { type WriteBufferLimits, WriteTransport } from './write-transport.ts'
