import { type Server, startServer } from '@tasktree/net'
import {
  IncompleteReadError,
  LimitOverrunError,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/streams'
import { type Directory, execute, type Session } from './commands.ts'
import { encode, ProtocolError, readCommand } from './resp.ts'

/** Listens for RESP clients; each is a task of the server's. */
export function listen(directory: Directory, host: string, port: number): Promise<Server> {
  return startServer((reader, writer) => serve(reader, writer, directory), { host, port })
}

async function serve(
  reader: StreamReader,
  writer: StreamWriter,
  directory: Directory,
): Promise<void> {
  const session: Session = { version: 2, closing: false }
  try {
    while (!session.closing) {
      const words = await readCommand(reader)
      if (words === null) break
      writer.write(encode(await execute(words, directory, session), session.version))
      await writer.drain()
    }
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof LimitOverrunError) {
      writer.write(encode(new Error(`ERR Protocol error: ${error.message}`), session.version))
    } else if (!(error instanceof IncompleteReadError) && !isGone(error)) {
      throw error
    }
  }
  writer.close()
}

/** The client has gone: no failure of ours. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.name === 'ConnectionResetError')
  )
}
