/**
 * Deletions and acknowledgements of messages in streams, which name a message by its sequence.
 *
 * The problem: a sequence does not name one message for ever. nats-server 2.9 keeps the last sequence of an empty stream in
 * a separate file. If it is killed before it has written that file, it gives the latest sequences to new messages. A
 * deletion of the old message that is sent again then deletes the new one, which nobody has read.
 *
 * The idea: a request that names a sequence is sent without a check only once, and only over the connection that has
 * delivered the message. In each other case the message is read first, and its id is compared.
 *
 * The invariant: the check and the request use the same connection. When the connection is lost, Requests fails the check,
 * so the request is not sent to a server that was started in between.
 */
import type { Msg } from '@nats-io/transport-node'
import type { Future } from '@tasktree/core'
import { idHeader } from './bus.ts'
import type { Requests } from './server-requests.ts'

interface Found {
  /** The headers of the message, as they were sent, in base64. */
  readonly message?: { readonly hdrs?: string }
}

/** Sends `request` if the stream has a message with this sequence and id. Otherwise the result is `otherwise`. */
export function ifStored<T>(
  requests: Requests,
  { stream, sequence, id }: { stream: string; sequence: number; id: string },
  request: () => Future<T>,
  otherwise: T,
): Future<T> {
  return requests.send<T>({
    what: `message ${sequence} of ${stream}`,
    subject: `$JS.API.STREAM.MSG.GET.${stream}`,
    data: JSON.stringify({ seq: sequence }),
    read: (answer) => (isMessage(answer, id) ? request() : otherwise),
  })
}

function isMessage(answer: Msg, id: string): boolean {
  const headers = answer.json<Found>().message?.hdrs ?? ''
  return Buffer.from(headers, 'base64').includes(`\r\n${idHeader}: ${id}\r\n`)
}

/** Deletes whatever message has the sequence. The result is false if there is none. */
export function removeStored(
  requests: Requests,
  stream: string,
  sequence: number,
): Future<boolean> {
  return requests.send({
    what: `message ${sequence} of ${stream}`,
    subject: `$JS.API.STREAM.MSG.DELETE.${stream}`,
    data: JSON.stringify({ seq: sequence, no_erase: true }),
    read: (answer) => answer.json<{ success?: boolean }>().success === true,
  })
}
