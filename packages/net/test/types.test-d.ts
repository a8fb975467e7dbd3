import {
  type BufferedProtocol,
  createConnection,
  openConnection,
  type Protocol,
  type Server,
  startServer,
  type StreamReader,
  type StreamWriter,
  type Transport,
} from '@tasktree/net'

class Echo implements Protocol {
  received = 0
  dataReceived(data: Buffer): void {
    this.received += data.length
  }
}

export const opened: Promise<[StreamReader, StreamWriter]> = openConnection('localhost', 8888)
export const byPath: Promise<[StreamReader, StreamWriter]> = openConnection({ path: '/tmp/x' })
export const made: Promise<[Transport, Echo]> = createConnection(() => new Echo(), 'localhost', 1)
export const server: Promise<Server> = startServer(
  async (reader, writer) => {
    writer.write(await reader.readLine())
  },
  'localhost',
  8888,
)
export const buffered: BufferedProtocol = {
  getBuffer: (sizeHint) => new Uint8Array(sizeHint),
  bufferUpdated: () => {},
}
// @ts-expect-error a port is needed
void openConnection('localhost')
