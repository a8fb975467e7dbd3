import { createTask, type Task } from '@tasktree/core'
import { type Server, startServer } from '@tasktree/net'
import {
  IncompleteReadError,
  LimitOverrunError,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/streams'
import { type Directory, execute, type Session } from './commands.ts'
import type { JobFeed } from './job-feed.ts'
import { encode, ProtocolError, readCommand, type Reply } from './resp.ts'

/** Listens for RESP clients; each is a task of the server's. */
export function listen(
  directory: Directory,
  feed: JobFeed,
  host: string,
  port: number,
): Promise<Server> {
  return startServer((reader, writer) => serve(reader, writer, directory, feed), { host, port })
}

async function serve(
  reader: StreamReader,
  writer: StreamWriter,
  directory: Directory,
  feed: JobFeed,
): Promise<void> {
  const session: Session = {
    version: 2,
    closing: false,
    isKnown: directory.password === null,
    isSubscribed: false,
  }
  let following: Task<void> | null = null
  try {
    while (!session.closing) {
      const words = await readCommand(reader)
      if (words === null) break
      writer.write(encode(await execute(words, directory, session), session.version))
      await writer.drain()
      if (session.isSubscribed) following ??= createTask(() => follow(feed, writer, session))
    }
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof LimitOverrunError) {
      writer.write(encode(new Error(`ERR Protocol error: ${error.message}`), session.version))
    } else if (!(error instanceof IncompleteReadError) && !isGone(error)) {
      throw error
    }
  } finally {
    following?.cancel()
  }
  writer.close()
}

/** A message for every change of a job; a client that does not read them loses the oldest. */
async function follow(feed: JobFeed, writer: StreamWriter, session: Session): Promise<void> {
  using changes = feed.subscribe()
  try {
    for await (const change of changes) {
      if (!session.isSubscribed) continue
      const message: Reply = { push: ['message', 'jobs', JSON.stringify(change)] }
      writer.write(encode(message, session.version))
      await writer.drain()
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** The client has gone: no failure of ours. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.name === 'ConnectionResetError')
  )
}
