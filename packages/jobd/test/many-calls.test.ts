import { checkpoint, createTask, gather } from '@tasktree/core'
import { defineKinds, JobClient, type Jobd } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import { type InJobd, inJobd, until } from './support/in-jobd.ts'
import { RawSocket } from './support/raw-socket.ts'

const slow = { tags: ['slow'] }
const many = 10_000

const kinds = defineKinds({ quick: { run: (text: string) => `${text}!` } })

interface Tested extends InJobd {
  /** Returns the number of connections that the test itself has not opened. */
  connections: () => number
  waiters: () => Promise<number>
}

function inQuick(
  body: (client: JobClient<typeof kinds>, server: Tested) => Promise<void>,
): Promise<void> {
  return inJobd(
    async (server) => {
      const before = countSockets()
      await using client = await JobClient.connect<typeof kinds>('127.0.0.1', server.jobd.port)
      const waiters = async (): Promise<number> => {
        const reply = (await server.client.command('JOB.STATS')) as unknown[]
        return reply[reply.indexOf('waiters') + 1] as number
      }
      await body(client, { ...server, waiters, connections: () => (countSockets() - before) / 2 })
    },
    { kinds, workers: 4 },
  )
}

/** Returns the number of TCP sockets. A connection counts twice, because both of its ends are in this process. */
function countSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
}

test('ten thousand jobs are added at once on one connection, each with its own answer', slow, () =>
  inQuick(async (client, { connections }) => {
    await client.command('JOB.PAUSE')
    const adding = Array.from({ length: many }, (_, i) => client.add('quick', `n${i}`))
    await adding[0]
    expect(connections()).toBe(1)
    const ids = await Promise.all(adding)
    expect(new Set(ids).size).toBe(many)
    for (const i of [0, 1, 4_999, many - 1])
      expect(await client.get(ids[i] as number)).toMatchObject({ payload: `n${i}` })
  }),
)

test('ten thousand jobs are waited for at once on one connection', slow, () =>
  inQuick(async (client, { connections, waiters }) => {
    await client.command('JOB.PAUSE')
    const running = Array.from({ length: many }, (_, i) => client.run('quick', `n${i}`))
    const ended = Promise.allSettled(running)
    await until(async () => (await waiters()) === many)
    expect(connections()).toBe(1)
    // The waits do not hold up other commands.
    expect(await client.get(many)).toMatchObject({ state: 'queued' })
    await client.command('JOB.BULK', 'CANCEL', 'ALL')
    const errors = (await ended).map((each) => (each.status === 'rejected' ? each.reason.name : ''))
    expect(errors.filter((name) => name === 'JobFailedError')).toHaveLength(many)
    expect(await waiters()).toBe(0)
  }),
)

test('hundreds of calls at once that add, wait and read get their own answers', slow, () =>
  inQuick(async (client) => {
    const texts = Array.from({ length: 300 }, (_, i) => `n${i}`)
    const results = await gather(
      texts.map((text) => async () => {
        const id = await client.add('quick', text)
        const [result, job] = await Promise.all([client.result(id), client.get(id)])
        return [result, job?.payload]
      }),
    )
    expect(results).toEqual(texts.map((text) => [`${text}!`, text]))
  }),
)

test(
  'slow commands of a client share four connections, and other commands do not wait for them',
  slow,
  () =>
    inQuick(async (client, { connections, add, reach }) => {
      const id = await add('sleep', '60000')
      await reach(id, 'running')
      const draining = Array.from({ length: 20 }, () => client.command('JOB.DRAIN', 'TIMEOUT', 300))
      const ended = Promise.allSettled(draining)
      await until(() => connections() > 1)
      expect(await client.get(id)).toMatchObject({ state: 'running' })
      await until(() => connections() === 5)
      await client.command('JOB.CANCEL', id)
      for (const each of await ended)
        if (each.status === 'rejected') expect(each.reason.message).toMatch(/^TIMEOUT/)
      expect(connections()).toBeLessThanOrEqual(5)
    }),
)

test('a cancelled wait of a client ends in the server, and later answers stay in order', slow, () =>
  inQuick(async (client, { waiters, connections }) => {
    await client.command('JOB.PAUSE')
    const id = await client.add('quick', 'x')
    const waits = [1, 2, 3].map(() => createTask(() => client.wait(id)))
    const get = createTask(() => client.get(id))
    await until(async () => (await waiters()) === 3)
    waits[0]?.cancel()
    get.cancel()
    await until(async () => (await waiters()) === 2)
    await expect(client.wait(id, { timeout: 1 })).rejects.toThrow(/^TIMEOUT job 1 is still queued/)
    expect(await client.command('ECHO', 'a')).toBe('a')
    await client.command('JOB.RESUME')
    expect(await waits[1]).toMatchObject({ state: 'done', result: 'x!' })
    expect(await waits[2]).toMatchObject({ state: 'done' })
    expect(connections()).toBe(1)
  }),
)

/** Kills the listener, and waits until it listens again. */
async function loseConnections({ system, port }: Jobd): Promise<void> {
  await system.lookup('listener')?.kill()
  const canConnect = async (): Promise<boolean> => {
    try {
      await using _ = await RawSocket.open(port)
      return true
    } catch {
      return false
    }
  }
  await until(canConnect)
}

test(
  'a lost connection fails every waiting call of a client, and later calls share a new connection',
  slow,
  () =>
    inQuick(async (client, { jobd, waiters, connections }) => {
      await client.command('JOB.PAUSE')
      const id = await client.add('quick', 'x')
      const calls = Promise.allSettled([client.wait(id), client.result(id)])
      await until(async () => (await waiters()) === 2)
      await loseConnections(jobd)
      expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      const jobs = await gather(Array.from({ length: 50 }, () => () => client.get(id)))
      expect(jobs.every((job) => job?.state === 'queued')).toBe(true)
      await until(() => connections() <= 1)
    }),
)

test('a cancelled call of a client does not end the connecting for the other calls', slow, () =>
  inQuick(async (client, { jobd }) => {
    const id = await client.add('quick', 'x')
    await loseConnections(jobd)
    const [first, ...rest] = Array.from({ length: 5 }, () => createTask(() => client.get(id)))
    // In the next turn the first call has begun to connect.
    await checkpoint()
    first?.cancel()
    for (const each of rest) expect(await each).toMatchObject({ id })
    expect(first?.cancelled()).toBe(true)
  }),
)

test('JOB.WAIT with a ticket is answered at once, and later by a RESP3 push message', slow, () =>
  inQuick(async (client, { jobd, waiters }) => {
    await client.command('JOB.PAUSE')
    const id = await client.add('quick', 'x')
    await using socket = await RawSocket.open(jobd.port)
    socket.send(`JOB.WAIT ${id} TICKET a\r\n`)
    expect(await socket.until('\r\n')).toBe(
      '-ERR TICKET needs RESP3, which has messages: HELLO 3\r\n',
    )
    socket.send('HELLO 3\r\nPING\r\n')
    await socket.until('+PONG\r\n')
    socket.send(
      `JOB.WAIT ${id} TICKET a\r\nJOB.WAIT ${id} TICKET b\r\nJOB.WAIT ${id} TICKET a\r\nPING\r\n`,
    )
    expect(await socket.until('+PONG\r\n')).toBe(
      "+OK\r\n+OK\r\n-ERR the ticket 'a' is in use\r\n+PONG\r\n",
    )
    socket.send('JOB.UNWAIT b\r\nJOB.UNWAIT b\r\n')
    expect(await socket.until(':0\r\n')).toBe(':1\r\n:0\r\n')
    await until(async () => (await waiters()) === 1)
    socket.send('JOB.WAIT 99 TICKET none\r\n')
    expect(await socket.until('_\r\n')).toBe('+OK\r\n>3\r\n$4\r\nwait\r\n$4\r\nnone\r\n_\r\n')
    socket.send(`JOB.WAIT ${id} TIMEOUT 1 TICKET late\r\n`)
    expect(await socket.until('after 1 ms\r\n')).toBe(
      `+OK\r\n>3\r\n$4\r\nwait\r\n$4\r\nlate\r\n-TIMEOUT job ${id} is still queued after 1 ms\r\n`,
    )
    await client.command('JOB.RESUME')
    const message = await socket.until('scheduledAt\r\n_\r\n')
    expect(message).toMatch(/^>3\r\n\$4\r\nwait\r\n\$1\r\na\r\n%/)
    expect(message).toContain('$2\r\nx!\r\n')
  }),
)

test('the waits of a connection end in the server when the connection ends', slow, () =>
  inQuick(async (client, { jobd, waiters }) => {
    await client.command('JOB.PAUSE')
    const id = await client.add('quick', 'x')
    const socket = await RawSocket.open(jobd.port)
    socket.send(`HELLO 3\r\nJOB.WAIT ${id} TICKET a\r\nJOB.WAIT ${id} TICKET b\r\n`)
    await until(async () => (await waiters()) === 2)
    await socket[Symbol.asyncDispose]()
    await until(async () => (await waiters()) === 0)
  }),
)
