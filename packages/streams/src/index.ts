export { copy } from './copy.ts'
export { ConnectionResetError, IncompleteReadError, LimitOverrunError } from './errors.ts'
export { StreamReader } from './stream-reader.ts'
export { StreamWriter } from './stream-writer.ts'
