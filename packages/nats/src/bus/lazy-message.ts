import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import type { Headers } from './bus.ts'

/** Returns the headers of a message as a record, which has the first value of each header. */
export function fromHeaders(headers: MsgHdrs | undefined): Headers {
  return Object.fromEntries((headers?.keys() ?? []).map((name) => [name, headers?.get(name) ?? '']))
}

/** Decodes each part of a message only when it is read, because most receivers read few parts. */
export class LazyMessage {
  protected readonly message: Msg

  constructor(message: Msg) {
    this.message = message
  }

  get subject(): string {
    return this.message.subject
  }

  get data(): Uint8Array {
    return this.message.data
  }

  header(name: string): string | null {
    const { headers } = this.message
    return headers?.has(name) === true ? headers.get(name) : null
  }
}
