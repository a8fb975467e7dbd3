import { jetstream } from '@nats-io/jetstream'
import {
  connect,
  type ConnectionOptions,
  errors,
  type NatsConnection,
} from '@nats-io/transport-node'
import { ConnectFailed, NoJetStream } from '../errors.ts'
import { type Durability, warnOfPowerLoss } from './durability.ts'
import { NatsBus } from './nats-bus.ts'
import { code, isRefusal } from './nats-errors.ts'
import { answerTime } from './server-requests.ts'

/**
 * Connects to a server. When the connection is lost later, the client by default tries to reconnect until the bus is closed.
 *
 * @throws {ConnectFailed} when no connection to the server could be made
 * @throws {NoJetStream} when the server runs without JetStream
 */
export async function connectNats(
  options: ConnectionOptions,
  durability: Durability,
): Promise<NatsBus> {
  const servers = [options.servers ?? '127.0.0.1:4222'].flat().join(', ')
  let connection: NatsConnection
  try {
    connection = await connect({
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      // The client closes a connection whose server has not answered two of these pings when the third one is due.
      pingInterval: 2_000,
      // If a server dies during the handshake of this first connect, the client does not notice, and waits for this long.
      // Its default is 20 s.
      timeout: answerTime,
      noAsyncTraces: true,
      ...options,
    })
  } catch (error) {
    throw new ConnectFailed(servers, explain(error), { cause: error })
  }
  const client = jetstream(connection, { timeout: answerTime })
  try {
    const manager = await client.jetstreamManager()
    const { replicas } = durability
    if (replicas > 1 && connection.info?.cluster === undefined) {
      throw new Error(
        `the option replicas is ${replicas}, and the server is not part of a cluster of servers`,
      )
    }
    warnOfPowerLoss(servers, durability)
    return new NatsBus(connection, client, manager, replicas, options.inboxPrefix)
  } catch (error) {
    const server = connection.getServer()
    await connection.close()
    throw isRefusal(error, code.noJetStream) || isNamed(error, 'JetStreamNotEnabled')
      ? new NoJetStream(server, { cause: error })
      : new ConnectFailed(servers, explain(error), { cause: error })
  }
}

function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (error instanceof errors.AuthorizationError || /authorization/i.test(text)) {
    return 'the server refused the credentials: check user and pass, token or authenticator'
  }
  return /ECONNREFUSED|connection refused/i.test(text) ? `no server listens there (${text})` : text
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}
