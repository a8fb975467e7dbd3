/**
 * Ends a reconnect whose socket was closed during the handshake.
 *
 * The problem: the client opens a socket, sends its handshake, and waits for the answer. If the socket is closed then, because
 * the server has died, the client goes on waiting until its timeout is over, and only then makes the next attempt.
 *
 * The idea: the client reports the closed socket with the status `disconnect`. The attempt is then failed with the function
 * that the client itself calls when the server refuses the handshake. The next attempt follows after the usual delay.
 *
 * This function is not a part of the client's public API. If a version of the client does not have it, the attempt ends at its
 * timeout.
 */
import type { NatsConnection } from '@nats-io/transport-node'

interface Internals {
  readonly protocol?: {
    readonly transport?: { readonly isClosed?: boolean }
    /** Fails the attempt that is under way. Undefined while there is a connection. */
    readonly connectError?: (error: Error) => void
  }
}

/**
 * Called when the client has reported a closed socket. Does nothing if that socket had a connection, or if the client has
 * opened the next socket already.
 */
export function failDeadHandshake(connection: NatsConnection): void {
  const { protocol } = connection as Internals
  if (protocol?.transport?.isClosed !== true) return
  protocol.connectError?.(new Error('the connection was lost during the handshake'))
}
