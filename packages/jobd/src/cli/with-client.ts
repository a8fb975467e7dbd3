import { type Command, Option } from 'commander'
import { TimeoutError } from '@tasktree/core'
import { OSError } from '@tasktree/net'
import { IncompleteReadError } from '@tasktree/streams'
import { JobClient } from '../client/job-client.ts'
import { ErrorReply, ProtocolError } from '../protocol/resp.ts'
import { escapeControlCharacters } from '../log/control-characters.ts'
import { Failure } from './failure.ts'
import { readSecret } from './output.ts'
import { portNumber } from './option-values.ts'

/** The options of every command that sends something to a server. */
export interface ConnectionOptions {
  host: string
  port: number
  password?: string
  passwordFile?: string
}

/**
 * Connects a client, and calls `body` with it.
 *
 * @throws {Failure} when there is no server, the connection is lost, or the server answers with an error
 */
export async function withClient<T>(
  { host, port, password, passwordFile }: ConnectionOptions,
  body: (client: JobClient) => Promise<T>,
): Promise<T> {
  await using client = await connect(
    host,
    port,
    password ?? (passwordFile === undefined ? null : readSecret(passwordFile)),
  )
  try {
    return await body(client)
  } catch (error) {
    throw explain(error)
  }
}

async function connect(host: string, port: number, password: string | null): Promise<JobClient> {
  try {
    return await JobClient.connect(host, port, { password })
  } catch (error) {
    if (error instanceof TimeoutError)
      throw new Failure(`${host}:${port} does not answer: it may not be a jobd server`, {
        cause: error,
      })
    if (!(error instanceof OSError)) throw explain(error)
    throw new Failure(
      `no server listens on ${host}:${port} (${error.code}); jobd serve starts one`,
      { cause: error },
    )
  }
}

/** Turns an error of the connection or of the server into a Failure with a message for the user. */
function explain(error: unknown): unknown {
  const isLost = [OSError, ProtocolError, IncompleteReadError].some((kind) => error instanceof kind)
  if (isLost && error instanceof Error)
    return new Failure(`the connection was lost: ${error.message}`, { cause: error })
  if (!(error instanceof ErrorReply)) return error
  if (error.code === 'ERR_JOBD_NOAUTH')
    return new Failure(
      'NOAUTH: the server asks for a password: give it with --password or --password-file, or in JOBD_PASSWORD',
      { cause: error },
    )
  const text = error.message.replace(/^([A-Z]+) /, (_, word) => (word === 'ERR' ? '' : `${word}: `))
  return new Failure(escapeControlCharacters(text), { cause: error })
}

/** Adds the options that say where the server is and what its password is. */
export function addConnection(command: Command): Command {
  return command
    .addOption(
      new Option('--host <host>', 'where the server is').env('JOBD_HOST').default('127.0.0.1'),
    )
    .addOption(
      new Option('--port <port>', 'its port').env('JOBD_PORT').default(7379).argParser(portNumber),
    )
    .addOption(
      new Option('--password <password>', 'or a token, when it asks for one').env('JOBD_PASSWORD'),
    )
    .addOption(
      new Option('--password-file <file>', 'a file that holds it').env('JOBD_PASSWORD_FILE'),
    )
}
