export {
  type ConnectOptions,
  createConnection,
  openConnection,
  type OpenOptions,
} from './connect.ts'
export {
  createDatagramEndpoint,
  type DatagramAddress,
  type DatagramOptions,
  type DatagramProtocol,
  DatagramTransport,
} from './datagram.ts'
export { type Datagram, DatagramSocket, type DatagramSocketOptions } from './datagram-socket.ts'
export type { ListenerOptions } from './listen.ts'
export type { BufferedProtocol, Protocol } from './protocol.ts'
export { createServer } from './create-server.ts'
export { Server, type ServerSocket } from './server.ts'
export { type ClientHandler, startServer, type StartServerOptions } from './start-server.ts'
export type { Target } from './target.ts'
export type { TlsOptions } from './tls.ts'
export { Transport } from './transport.ts'
export {
  CertificateError,
  type CertificateErrorOptions,
  TlsError,
  type TlsErrorOptions,
} from './tls-errors.ts'
export {
  AddressInUseError,
  BrokenPipeError,
  ConnectionRefusedError,
  ConnectionResetError,
  GaiError,
  IncompleteReadError,
  LimitOverrunError,
  OSError,
  StreamReader,
  StreamWriter,
} from '@tasktree/streams'
