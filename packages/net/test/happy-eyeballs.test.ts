import type * as Dns from 'node:dns'
import type * as Net from 'node:net'
import { Socket, type SocketConnectOpts } from 'node:net'
import { createTask, getRunningLoop, run, sleep, wait } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { ConnectionRefusedError, openConnection, OSError, startServer } from '@tasktree/net'
import { beforeEach, expect, test, vi } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf, thrown } from './support/network.ts'

/** The addresses of the name `many.test`, the addresses to which connections were tried, and the sockets that got no answer. */
const network = vi.hoisted(() => ({
  addresses: [] as Dns.LookupAddress[],
  attempts: [] as string[],
  stalled: [] as Socket[],
  onAttempt: () => {},
}))

vi.mock('node:dns', async (original) => ({
  ...(await original<typeof Dns>()),
  lookup(_host: string, _options: object, callback: (e: null, found: Dns.LookupAddress[]) => void) {
    callback(null, network.addresses)
  },
}))

// This mock acts for the networks that are reserved for documentation. A connection to 198.51.100.0/24 fails at once with ETIMEDOUT.
// A connection to the other networks (192.0.2.0/24 and 2001:db8::/32) never gets an answer.
vi.mock('node:net', async (original) => {
  const net = await original<typeof Net>()
  return {
    ...net,
    connect(options: SocketConnectOpts & { host: string }) {
      network.attempts.push(options.host)
      network.onAttempt()
      if (!/^192\.0\.2\.|^198\.51\.100\.|^2001:db8:/.test(options.host)) return net.connect(options)
      const socket = new Socket()
      if (options.host.startsWith('198.')) {
        const code = 'ETIMEDOUT'
        return socket.destroy(Object.assign(new Error(code), { code, syscall: 'connect' }))
      }
      network.stalled.push(socket)
      return socket
    },
  }
})

const v4 = (address: string): Dns.LookupAddress => ({ address, family: 4 })
const v6 = (address: string): Dns.LookupAddress => ({ address, family: 6 })

beforeEach(() => {
  network.attempts = []
  network.stalled = []
  network.onAttempt = () => {}
})

test('a connect tries the next address while the address before it does not answer', () =>
  run(async () => {
    const before = census()
    {
      await using server = await startServer(echo, local)
      network.addresses = [v4('192.0.2.1'), v6('2001:db8::1'), v4('127.0.0.1')]
      const options = { happyEyeballsDelay: 1 }
      const [reader, writer] = await openConnection('many.test', portOf(server), options)
      writer.write('there\n')
      expect(String(await reader.readLine())).toBe('there\n')
      await writer[Symbol.asyncDispose]()
    }
    expect(network.attempts).toEqual(['192.0.2.1', '2001:db8::1', '127.0.0.1'])
    expect(network.stalled.map((socket) => socket.destroyed)).toEqual([true, true])
    await expectNothingLeft(before)
  }))

test('a connect tries the next address at once after an address has failed', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    network.addresses = [v4('127.0.0.2'), v4('127.0.0.3'), v4('127.0.0.1')]
    const options = { happyEyeballsDelay: 3_600_000 }
    const [, writer] = await openConnection('many.test', portOf(server), options)
    expect(network.attempts).toHaveLength(3)
    await writer[Symbol.asyncDispose]()
  }))

test('a connect tries no other address after one has answered', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    network.addresses = [v4('127.0.0.1'), v4('192.0.2.1')]
    const [, writer] = await openConnection('many.test', portOf(server))
    expect(network.attempts).toEqual(['127.0.0.1'])
    await writer[Symbol.asyncDispose]()
  }))

test('a connect tries IPv6 and IPv4 addresses in turn, 250 ms apart', () =>
  runVirtual(async () => {
    network.addresses = [v6('2001:db8::1'), v6('2001:db8::2'), v4('192.0.2.1'), v4('192.0.2.2')]
    const times: number[] = []
    const start = getRunningLoop().time()
    network.onAttempt = () => times.push(Math.round(getRunningLoop().time() - start))
    const connecting = openConnection('many.test', 1, { timeout: 5000 })
    expect(await thrown(connecting)).toMatchObject({ name: 'TimeoutError' })
    expect(network.attempts).toEqual(['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'])
    expect(times).toEqual([0, 250, 500, 750])
    expect(network.stalled.map((socket) => socket.destroyed)).toEqual([true, true, true, true])
  }))

test('a connect that fails at all addresses throws one error with each cause', () =>
  run(async () => {
    const server = await startServer(echo, local)
    const port = portOf(server)
    await server[Symbol.asyncDispose]()
    network.addresses = [v4('127.0.0.1'), v4('127.0.0.2'), v4('127.0.0.3')]
    const error = await thrown(openConnection('many.test', port))
    expect(error).toBeInstanceOf(ConnectionRefusedError)
    expect(error).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: 'many.test',
      port,
    })
    const { errors } = (error as Error).cause as AggregateError
    expect(errors).toEqual(
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) =>
        expect.objectContaining({ name: 'ConnectionRefusedError', address, port }),
      ),
    )
    const { errno } = errors[0] as ConnectionRefusedError
    expect(errno).toBeLessThan(0)
    expect(error).toMatchObject({ errno })
    expect(Object.values(error as Error)).not.toContain(undefined)
    for (const { message } of errors as Error[]) {
      expect((error as Error).message).toContain(message)
    }
  }))

test('a connect that fails differently at two addresses throws an OSError with both causes', () =>
  run(async () => {
    const server = await startServer(echo, local)
    const port = portOf(server)
    await server[Symbol.asyncDispose]()
    // A stream socket cannot be connected to the broadcast address.
    network.addresses = [v4('127.0.0.1'), v4('255.255.255.255')]
    const error = await thrown(openConnection('many.test', port))
    expect(error).toBeInstanceOf(OSError)
    expect(error).not.toBeInstanceOf(ConnectionRefusedError)
    const { errors } = (error as Error).cause as AggregateError
    expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED' })
    expect(errors[1]).toMatchObject({ address: '255.255.255.255' })
  }))

test('the error of a connect that fails differently at two addresses has the code of one of the failures', () =>
  run(async () => {
    const server = await startServer(echo, local)
    const port = portOf(server)
    await server[Symbol.asyncDispose]()
    // A stream socket cannot be connected to the broadcast address.
    network.addresses = [v4('198.51.100.1'), v4('255.255.255.255')]
    expect(await thrown(openConnection('many.test', port))).toMatchObject({ code: 'ETIMEDOUT' })
    network.addresses = [v4('198.51.100.1'), v4('127.0.0.1')]
    expect(await thrown(openConnection('many.test', port))).toMatchObject({ code: 'ECONNREFUSED' })
  }))

test('a cancel of a connect closes every attempt', () =>
  run(async () => {
    const before = census()
    network.addresses = [v4('192.0.2.1'), v6('2001:db8::1'), v4('192.0.2.2')]
    for (let tried = 1; tried <= 3; tried++) {
      network.attempts = []
      const options = { happyEyeballsDelay: 1 }
      const connecting = createTask(() => openConnection('many.test', 1, options))
      while (network.attempts.length < tried) await sleep(0)
      connecting.cancel()
      await wait([connecting])
      expect(connecting.cancelled()).toBe(true)
    }
    expect(network.stalled.every((socket) => socket.destroyed)).toBe(true)
    await expectNothingLeft(before)
  }))
