import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { Future } from '@tasktree/core'
import { runVirtual, watchLeaks } from '@tasktree/core/testing'
import { test } from 'vitest'
import { BusTimeout } from '../src/errors.ts'
import { Requests } from '../src/bus/server-requests.ts'

/** A connection to a server that answers the latest message when `answer` is called. */
class AnsweringConnection {
  readonly info = undefined
  #receive: (error: null, message: Msg) => void = () => {}
  #reply = ''

  subscribe(_subject: string, options: { callback: (error: null, message: Msg) => void }): void {
    this.#receive = options.callback
  }

  publish(_subject: string, _data: unknown, options: { reply: string }): void {
    this.#reply = options.reply
  }

  answer(): void {
    this.#receive(null, { subject: this.#reply, data: new Uint8Array(1) } as Msg)
  }
}

test('a request that is cancelled in the turn in which the connection is lost leaves no unread failure', () =>
  runVirtual(async () => {
    const leaks = watchLeaks()
    const connection = new AnsweringConnection()
    const requests = new Requests(connection as unknown as NatsConnection, undefined)
    const second = new Future<void>()
    const request = requests.send({
      what: 'a test',
      subject: 'test',
      data: '',
      read: () => second,
    })
    connection.answer()
    request.cancel()
    const lost = new BusTimeout('the connection was lost')
    requests.fail(lost)
    second.setException(lost)
    await leaks.check()
  }))
