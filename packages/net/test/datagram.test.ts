import { Future, run } from '@tasktree/core'
import {
  createDatagramEndpoint,
  type DatagramProtocol,
  type DatagramTransport,
} from '@tasktree/net'
import { expect, test } from 'vitest'

class Echo implements DatagramProtocol {
  #transport: DatagramTransport | null = null
  connectionMade(transport: DatagramTransport): void {
    this.#transport = transport
  }
  datagramReceived(data: Buffer, address: { host: string; port: number }): void {
    this.#transport?.sendTo(data, address)
  }
}

const localAddr = { host: '127.0.0.1', port: 0 }

function portOf(transport: DatagramTransport): number {
  return (transport.getExtraInfo('sockname') as [string, number])[1]
}

test('datagrams go to the peer and come back, empty datagrams too', () =>
  run(async () => {
    const [echo] = await createDatagramEndpoint(() => new Echo(), { localAddr })
    using _ = echo
    const received: string[] = []
    const both = new Future<void>()
    const [transport] = await createDatagramEndpoint(
      () => ({
        datagramReceived(data: Buffer) {
          received.push(String(data))
          if (received.length === 2) both.setResult()
        },
      }),
      { remoteAddr: { host: '127.0.0.1', port: portOf(echo) } },
    )
    transport.sendTo('hello')
    transport.sendTo('')
    await both
    expect(received.toSorted()).toEqual(['', 'hello'])
    expect(() => transport.sendTo('x', { host: '127.0.0.1', port: 1 })).toThrow(TypeError)
    expect(() => echo.sendTo('x')).toThrow('sendTo needs an address')
    transport.close()
  }))

test('a refused datagram calls errorReceived, and a port in use throws AddressInUseError', () =>
  run(async () => {
    const [free] = await createDatagramEndpoint(() => ({}), { localAddr })
    const port = portOf(free)
    await expect(
      createDatagramEndpoint(() => ({}), { localAddr: { host: '127.0.0.1', port } }),
    ).rejects.toMatchObject({ name: 'AddressInUseError' })
    free.close()
    const refused = new Future<Error>()
    const [transport] = await createDatagramEndpoint(
      () => ({
        errorReceived(error: Error) {
          if (!refused.done()) refused.setResult(error)
        },
      }),
      { remoteAddr: { host: '127.0.0.1', port } },
    )
    transport.sendTo('anyone?')
    expect(await refused).toMatchObject({ name: 'ConnectionRefusedError' })
    transport.close()
  }))
