import { createSocket, Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  createTask,
  currentTask,
  Future,
  gather,
  moveOnAfter,
  run,
  sleep,
  timeout,
} from '@tasktree/core'
import {
  ConnectionRefusedError,
  ConnectionResetError,
  createDatagramEndpoint,
  DatagramSocket,
} from '@tasktree/net'
import { afterEach, expect, test, vi } from 'vitest'
import { thrown, until, withHost } from './support/network.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const localAddr = { host: '127.0.0.1', port: 0 }
const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs `body` with a socket of Node that sends `text` to every other socket at the moment in which it is bound. */
async function withGreeter(text: string, body: (greeter: Socket) => Promise<void>): Promise<void> {
  const greeter = createSocket('udp4').bind(0, '127.0.0.1')
  await once(greeter, 'listening')
  const emit = Reflect.get(Socket.prototype, 'emit') as (...event: unknown[]) => boolean
  const spy = vi.spyOn(Socket.prototype, 'emit').mockImplementation(function (
    this: Socket,
    ...event: unknown[]
  ) {
    if (event[0] === 'listening') greeter.send(text, this.address().port, '127.0.0.1')
    return emit.apply(this, event)
  } as never)
  try {
    await body(greeter)
  } finally {
    spy.mockRestore()
    greeter.close()
  }
}

/** Keeps the loop busy while `body` runs, so that the system has time to deliver. */
async function whileBusy<T>(body: () => Promise<T>): Promise<T> {
  const busy = Array.from({ length: 20 }, () =>
    createTask(async () => {
      for (;;) {
        const end = performance.now() + 0.05
        while (performance.now() < end);
        await sleep(0)
      }
    }),
  )
  try {
    return await body()
  } finally {
    for (const task of busy) task.cancel()
  }
}

const times = <T>(make: () => T): T[] => Array.from({ length: 20 }, make)

test('a datagram that arrives right after the bind is received, as with node:dgram', () =>
  run(async () => {
    await withGreeter('hello', async () => {
      const control = createSocket('udp4')
      const heard = once(control, 'message')
      control.bind(0, '127.0.0.1')
      expect(String((await heard)[0])).toBe('hello')
      control.close()
      const endpoint = async (): Promise<string> => {
        const got = new Future<string>()
        const [transport] = await createDatagramEndpoint(
          () => ({ datagramReceived: (data: Buffer) => got.setResult(String(data)) }),
          { localAddr },
        )
        using _ = transport
        return timeout(2000, () => got).catch(() => 'nothing')
      }
      const socket = async (): Promise<string> => {
        await using opened = await DatagramSocket.open({ localAddr })
        const got = await timeout(2000, () => opened.receive()).catch(() => ['nothing'])
        return String(got[0])
      }
      for (const receive of [endpoint, socket]) {
        const got = await whileBusy(() => gather(times(() => createTask(receive))))
        expect(got).toEqual(times(() => 'hello'))
      }
    })
  }))

test('a DatagramSocket with a remote address drops a datagram that another sender has sent before', () =>
  run(async () => {
    const peer = createSocket('udp4').bind(0, '127.0.0.1')
    await once(peer, 'listening')
    const remoteAddr = { host: '127.0.0.1', port: peer.address().port }
    await withGreeter('from a stranger', async () => {
      const opened = await whileBusy(() =>
        gather(times(() => createTask(() => DatagramSocket.open({ localAddr, remoteAddr })))),
      )
      for (const socket of opened) {
        const [host, port] = socket.getExtraInfo('sockname') as [string, number]
        peer.send('from the peer', port, host)
        expect(String((await timeout(2000, () => socket.receive()))[0])).toBe('from the peer')
        await socket[Symbol.asyncDispose]()
      }
    })
    peer.close()
  }))

test('connectionMade of a datagram protocol is called outside of every task', () =>
  run(async () => {
    let task: unknown = 'not called'
    const [transport] = await createDatagramEndpoint(
      () => ({ connectionMade: () => void (task = currentTask()) }),
      { localAddr },
    )
    expect(task).toBe(null)
    transport.close()
  }))

test('createDatagramEndpoint chooses a local and a remote address of the same family', () =>
  run(async () => {
    const peer = createSocket('udp4').bind(0, '127.0.0.1')
    await once(peer, 'listening')
    const { port } = peer.address()
    await withHost('both.test', ['::1', '127.0.0.1'], async () => {
      const remoteAddr = { host: 'both.test', port }
      const heard = once(peer, 'message')
      const [transport] = await createDatagramEndpoint(() => ({}), { localAddr, remoteAddr })
      transport.sendTo('hello')
      expect(String((await heard)[0])).toBe('hello')
      transport.close()
      await expect(
        createDatagramEndpoint(() => ({}), {
          localAddr,
          remoteAddr: { host: '::1', port },
        }),
      ).rejects.toMatchObject({ name: 'OSError', code: 'EAFNOSUPPORT' })
    })
    peer.close()
  }))

test('a datagram to port 0 is refused at the call', () =>
  run(async () => {
    const remoteAddr = { host: '127.0.0.1', port: 0 }
    expect(() => createDatagramEndpoint(() => ({}), { remoteAddr })).toThrow(RangeError)
    expect(() => DatagramSocket.open({ remoteAddr })).toThrow(RangeError)
    const [transport] = await createDatagramEndpoint(() => ({}), { localAddr })
    expect(() => transport.sendTo('x', remoteAddr)).toThrow(RangeError)
    transport.close()
  }))

test('an abort ends the opening of a DatagramSocket while the name is looked up', () =>
  run(async () => {
    const never = new Promise<void>(() => {})
    const body = async (): Promise<void> => {
      const controller = new AbortController()
      const opening = thrown(
        createDatagramEndpoint(() => ({}), {
          remoteAddr: { host: 'slow.test', port: 9 },
          signal: controller.signal,
        }),
      )
      await sleep(0)
      controller.abort()
      expect(await timeout(1000, () => opening)).toMatchObject({ name: 'CancelledError' })
    }
    await withHost('slow.test', [], body, never)
  }))

test('send on a closed DatagramSocket throws ConnectionResetError', () =>
  run(async () => {
    const socket = await DatagramSocket.open({ localAddr })
    socket.close()
    await expect(socket.send('x', { host: '127.0.0.1', port: 9 })).rejects.toBeInstanceOf(
      ConnectionResetError,
    )
    await socket.waitClosed()
  }))

test('an error that a drain has thrown does not end a receive that waits', () =>
  run(async () => {
    await using socket = await DatagramSocket.open({ localAddr })
    const receiving = createTask(() => socket.receive())
    await sleep(0)
    // Emits the error that Node emits when the peer refuses a datagram.
    const refusal = Object.assign(new Error('recvmsg ECONNREFUSED'), { code: 'ECONNREFUSED' })
    ;(socket.getExtraInfo('socket') as Socket).emit('error', refusal)
    // The error wakes the waiting receive too, but this call runs first.
    await expect(socket.drain()).rejects.toBeInstanceOf(ConnectionRefusedError)
    const [host, port] = socket.getExtraInfo('sockname') as [string, number]
    await socket.send('still open', { host, port })
    expect(String((await timeout(1000, () => receiving))[0])).toBe('still open')
  }))

test('a cancel ends a loop of sends, or of receives, that also awaits native promises', () =>
  run(async () => {
    await using socket = await DatagramSocket.open({ localAddr })
    const [host, port] = socket.getExtraInfo('sockname') as [string, number]
    let sent = 0
    const sending = await moveOnAfter(20, async () => {
      for (; sent < 200; sent++) {
        await socket.send('x', { host, port })
        await foreign(2)
      }
    })
    expect(sending.cancelled).toBe(true)
    let received = 0
    for (let i = sent; i < 200; i++) await socket.send('x', { host, port })
    await until(() => socket.transport.getWriteBufferSize() === 0)
    const receiving = await moveOnAfter(20, async () => {
      for await (const _ of socket) {
        received++
        await foreign(2)
      }
    })
    expect(receiving.cancelled).toBe(true)
    for (; received < 200; received++) await timeout(1000, () => socket.receive())
  }))

test('a buffer that is changed after a send does not change the datagram, as in asyncio', () =>
  run(async () => {
    await using server = await DatagramSocket.open({ localAddr })
    const [host, port] = server.getExtraInfo('sockname') as [string, number]
    await using socket = await DatagramSocket.open({ localAddr })
    await using connected = await DatagramSocket.open({ remoteAddr: { host, port } })
    const received = async (): Promise<string> =>
      String((await timeout(3000, () => server.receive()))[0])
    const data = Buffer.alloc(1)
    for (const text of ['a', 'b', 'c']) {
      data.write(text)
      socket.transport.sendTo(data, { host, port })
    }
    for (const text of ['a', 'b', 'c']) expect(await received()).toBe(text)
    for (const text of ['d', 'e', 'f']) {
      data.write(text)
      await socket.send(data, { host, port })
    }
    for (const text of ['d', 'e', 'f']) expect(await received()).toBe(text)
    for (const text of ['g', 'h', 'i']) {
      data.write(text)
      await connected.send(data)
    }
    for (const text of ['g', 'h', 'i']) expect(await received()).toBe(text)
  }))
