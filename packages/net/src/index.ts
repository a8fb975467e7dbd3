export { type ConnectOptions, openConnection } from './connect.ts'
export {
  AddressInUseError,
  BrokenPipeError,
  ConnectionRefusedError,
  GaiError,
  OSError,
} from './errors.ts'
export { type ClientHandler, type ServeOptions, Server, startServer } from './serve.ts'
export type { Target } from './target.ts'
export { ConnectionResetError, StreamReader, StreamWriter } from '@tasktree/streams'
