import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { inJobd } from './support/in-jobd.ts'
import { RawSocket } from './support/raw-socket.ts'

const slow = { tags: ['slow'] }

test('a client may send commands as plain lines, as from nc', slow, () =>
  inJobd(async ({ jobd }) => {
    await using socket = await RawSocket.open(jobd.port)
    expect(await socket.send('PING\r\n').until('\r\n')).toBe('+PONG\r\n')
    expect(await socket.send('echo "a b"\n').until('b\r\n')).toBe('$3\r\na b\r\n')
    expect(await socket.send('\r\n  \r\njob.add sleep 1\r\n').until('\r\n')).toBe(':1\r\n')
    // Like `printf … | nc`, the client sends commands and ends its side. The server must still answer them.
    socket.send('JOB.WAIT 1\r\nQUIT\r\n').socket.end()
    const rest = await socket.untilClosed()
    expect(rest).toContain('slept 1 ms')
    expect(rest).toMatch(/\+OK\r\n$/)
  }),
)

test('10,000 commands in one chunk are answered in order', slow, () =>
  inJobd(async ({ jobd }) => {
    await using socket = await RawSocket.open(jobd.port)
    const numbers = Array.from({ length: 10_000 }, (_, i) => String(i))
    socket.send(numbers.map((n) => `*2\r\n$4\r\nECHO\r\n$${n.length}\r\n${n}\r\n`).join(''))
    const replies = await socket.until('\r\n9999\r\n')
    expect(replies.split('\r\n').filter((_, i) => i % 2 === 1)).toEqual(numbers)
  }),
)

test('10,000 JOB.ADD in one chunk get their numbers in order, and the jobs can be read', slow, () =>
  inJobd(
    async ({ jobd, client }) => {
      await using socket = await RawSocket.open(jobd.port)
      const adds = Array.from({ length: 10_000 }, () => 'JOB.ADD sleep 0 DELAY 3600000\r\n')
      socket.send(`${adds.join('')}JOB.GET 10000\r\nPING\r\n`)
      const replies = (await socket.until('+PONG\r\n')).split('\r\n')
      expect(replies.slice(0, 10_000)).toEqual(adds.map((_, i) => `:${i + 1}`))
      expect(replies).toContain('queued')
      expect(await client.command('JOB.GET', 10_000)).not.toBeNull()
    },
    { workers: 1 },
  ),
)

test('a malformed frame is answered with an error and ends only its own connection', slow, () =>
  inJobd(async ({ jobd, client }) => {
    for (const [frame, error] of [
      ['*1\r\n$-5\r\n', 'invalid bulk length'],
      ['*9999999\r\n', 'invalid multibulk length'],
      ['*1\r\n!\r\n', "expected '$', got '!'"],
      ['ECHO "a\r\n', 'unbalanced quotes in request'],
      ['x'.repeat(70_000), 'too big inline request'],
    ] as const) {
      await using socket = await RawSocket.open(jobd.port)
      const received = await socket.send(`PING\r\n${frame}`).untilClosed()
      expect(received).toBe(`+PONG\r\n-ERR Protocol error: ${error}\r\n`)
      expect(await client.command('PING')).toEqual({ simple: 'PONG' })
    }
  }),
)

test('HTTP requests, which a web page could make a browser send, are not answered', slow, () =>
  inJobd(async ({ jobd, client }) => {
    await using socket = await RawSocket.open(jobd.port)
    socket.send('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nJOB.ADD shell evil\r\n')
    expect(await socket.untilClosed()).toBe('')
    expect(await client.command('JOB.LIST')).toEqual([])
  }),
)

test.for<[command: string, error: RegExp]>([
  ['GET x', /^ERR unknown command 'GET', with args beginning with: 'x'/],
  ['ECHO', /^ERR wrong number of arguments for 'echo' command$/],
  ['JOB.GET 1 2', /^ERR wrong number of arguments for 'job.get' command$/],
  ['JOB.ADD sleep', /^ERR wrong number of arguments for 'job.add' command$/],
  ['JOB.ADD nonsense 1', /^ERR unknown kind 'nonsense', expected one of shell, /],
  ['JOB.ADD sleep 1 RETRIES -1', /^ERR RETRIES must be a whole number from 0/],
  ['JOB.ADD sleep 1 PRIORITY 1e3', /^ERR PRIORITY must be a whole number/],
  ['JOB.ADD sleep 1 KEY', /^ERR syntax error: KEY has no value/],
  ['JOB.ADD sleep 1 KEY a KEY b', /^ERR syntax error: KEY twice/],
  ['JOB.ADD sleep 1 SOON 1', /^ERR syntax error: there are PRIORITY, DELAY/],
  ['JOB.LIST STATE odd', /^ERR STATE must be one of queued, running/],
  ['JOB.LIST LIMIT 100000', /^ERR LIMIT must be a whole number from 1 to 1000/],
  ['JOB.GET x', /^ERR the id must be a whole number/],
  ['JOB.GET 0', /^ERR the id must be a whole number/],
  ['JOB.CANCEL 7', /^ERR there is no job 7$/],
  ['JOB.RETRY 7', /^ERR there is no job 7$/],
  ['JOB.LOG 7', /^ERR there is no job 7$/],
  ['ACTOR.KILL nobody', /^ERR no such actor: nobody$/],
  ['ACTOR.KILL /jobd', /^ERR the root is ended by ending the server$/],
  ['SELECT 1', /^ERR DB index is out of range$/],
  ['AUTH x', /^ERR AUTH <password> called without any password configured/],
  ['HELLO 4', /^NOPROTO /],
  ['HELLO 3 NONSENSE', /^ERR Syntax error in HELLO option 'NONSENSE'$/],
])('`%s` is answered with an error, and no actor crashes', slow, ([line, error]) =>
  inJobd(async ({ jobd, client }) => {
    await expect(client.command(...line.split(' '))).rejects.toThrow(error)
    expect(jobd.system.tree()).not.toContain('restarts')
  }),
)

test(
  'SUBSCRIBE to a channel that does not exist is answered with an error, and no actor crashes',
  slow,
  () =>
    inJobd(async ({ jobd }) => {
      await using socket = await RawSocket.open(jobd.port)
      const answer = await socket.send('SUBSCRIBE news\r\n').until('\r\n')
      expect(answer).toBe("-ERR there is no channel 'news', there is jobs\r\n")
      expect(jobd.system.tree()).not.toContain('restarts')
    }),
)

test('ECHO returns bytes that are not a text, and JOB.ADD refuses them', slow, () =>
  inJobd(async ({ jobd }) => {
    await using socket = await RawSocket.open(jobd.port)
    socket.send('*2\r\n$4\r\nECHO\r\n$3\r\n\xff\0\x80\r\n')
    expect(await socket.until('\x80\r\n')).toBe('$3\r\n\xff\0\x80\r\n')
    socket.send('*3\r\n$7\r\nJOB.ADD\r\n$5\r\nshell\r\n$1\r\n\xff\r\n')
    expect(await socket.until('\r\n')).toBe('-ERR the arguments must be UTF-8\r\n')
  }),
)

test('RESP3 answers have maps and nulls', slow, () =>
  inJobd(async ({ jobd }) => {
    await using socket = await RawSocket.open(jobd.port)
    expect(await socket.send('HELLO 3\r\n').until('modules\r\n*0\r\n')).toMatch(/^%7\r\n/)
    expect(await socket.send('JOB.GET 5\r\n').until('\r\n')).toBe('_\r\n')
    expect(await socket.send('RESET\r\n').until('\r\n')).toBe('+RESET\r\n')
    expect(await socket.send('JOB.GET 5\r\n').until('\r\n')).toBe('$-1\r\n')
  }),
)

test('a subscriber gets a message for each state of a job, in RESP2 and RESP3', slow, () =>
  inJobd(async ({ jobd, add, wait }) => {
    await using two = await RawSocket.open(jobd.port)
    await using three = await RawSocket.open(jobd.port)
    const confirmed = '3\r\n$9\r\nsubscribe\r\n$4\r\njobs\r\n:1\r\n'
    expect(await two.send('SUBSCRIBE jobs\r\n').until(':1\r\n')).toBe(`*${confirmed}`)
    three.send('HELLO 3\r\nSUBSCRIBE jobs\r\n')
    expect((await three.until(':1\r\n')).endsWith(`>${confirmed}`)).toBe(true)
    const id = await add('sleep', '1')
    await wait(id)
    // A reply may come between the messages, so only lines that contain an object count as messages.
    const messages = async (socket: RawSocket): Promise<string[]> => {
      let received = ''
      while (!received.includes('"state":"done"')) received += await socket.until('\r\n')
      return [...received.matchAll(/\{.*\}/g)].map(([text]) => {
        const job = JSON.parse(text) as { id: number; state: string }
        expect(job.id).toBe(id)
        return job.state
      })
    }
    expect(await messages(two)).toEqual(['queued', 'running', 'done'])
    expect(await messages(three)).toEqual(['queued', 'running', 'done'])
    expect(await two.send('PING\r\n').until('\r\n\r\n')).toBe('*2\r\n$4\r\npong\r\n$0\r\n\r\n')
    expect(await two.send('JOB.LIST\r\n').until('\r\n')).toMatch(/^-ERR Can't execute 'job.list'/)
    expect(await three.send('PING\r\n').until('\r\n')).toBe('+PONG\r\n')
    expect(await two.send('UNSUBSCRIBE\r\n').until(':0\r\n')).toContain('unsubscribe')
    expect(await two.send('PING\r\n').until('\r\n')).toBe('+PONG\r\n')
    await wait(await add('sleep', '1'))
    expect(await two.send('PING\r\n').until('\r\n')).toBe('+PONG\r\n')
  }),
)

test('a server with a password does nothing before the client has given it', slow, () =>
  inJobd(
    async ({ jobd }) => {
      await using socket = await RawSocket.open(jobd.port)
      const say = (line: string): Promise<string> => socket.send(`${line}\r\n`).until('\r\n')
      for (const line of ['PING', 'JOB.ADD sleep 1', 'JOB.LIST', 'SUBSCRIBE jobs', 'NO.SUCH'])
        expect(await say(line)).toBe('-NOAUTH Authentication required.\r\n')
      expect(await say('HELLO 3')).toMatch(/^-NOAUTH HELLO must be called/)
      expect(await say('AUTH guess')).toMatch(/^-WRONGPASS /)
      expect(await say('AUTH other "open sesame"')).toMatch(/^-WRONGPASS /)
      expect(await say('PING')).toMatch(/^-NOAUTH/)
      expect(await say('AUTH "open sesame"')).toBe('+OK\r\n')
      expect(await say('PING')).toBe('+PONG\r\n')
      await using other = await RawSocket.open(jobd.port)
      other.send('HELLO 3 AUTH default "open sesame" SETNAME me\r\n')
      expect(await other.until('*0\r\n')).toMatch(/^%7/)
      // Before the password, the server accepts only short commands.
      await using third = await RawSocket.open(jobd.port)
      third.send('*1\r\n$100000\r\n')
      expect(await third.untilClosed()).toBe('-ERR Protocol error: unauthenticated bulk length\r\n')
    },
    { password: 'open sesame' },
  ),
)

test('a server at an address that others can reach needs a password', async () => {
  await expect(inJobd(async () => {}, { host: '0.0.0.0' })).rejects.toThrow(
    '0.0.0.0 can be reached by others: that needs a password',
  )
})

test(
  'the server closes clients that do not finish a command or do not give the password',
  slow,
  () =>
    inJobd(
      async ({ jobd, client }) => {
        await using loris = await RawSocket.open(jobd.port)
        await using silent = await RawSocket.open(jobd.port)
        loris.send('*2\r\n$4\r\nEC')
        expect(await loris.untilClosed()).toBe('')
        expect(await silent.untilClosed()).toBe('')
        // The server does not close an idle connection that has given the password.
        expect(await client.command('PING')).toEqual({ simple: 'PONG' })
      },
      { password: 'x', clients: { patience: 200 } },
    ),
)

test('the server closes a client that has ended its side while it waits for a job', slow, () =>
  inJobd(
    async ({ jobd, add }) => {
      const id = await add('sleep', '60000')
      await using socket = await RawSocket.open(jobd.port)
      socket.send(`JOB.WAIT ${id}\r\n`).socket.end()
      expect(await socket.untilClosed()).toBe('')
    },
    { clients: { patience: 200 } },
  ),
)

test(
  'a client that never reads is paused and then closed, and other clients are served',
  slow,
  () =>
    inJobd(
      async ({ jobd, client }) => {
        const deaf = connect(jobd.port, '127.0.0.1')
        deaf.on('error', () => {})
        await once(deaf, 'connect')
        deaf.pause()
        const closed = new Promise((resolve) => deaf.once('close', resolve))
        const echo = `*2\r\n$4\r\nECHO\r\n$100000\r\n${'x'.repeat(100_000)}\r\n`
        const before = process.memoryUsage().rss
        for (let i = 0; i < 1_000; i++) deaf.write(echo)
        expect(await client.command('PING')).toEqual({ simple: 'PONG' })
        await closed
        // The client has sent 100 MB, and the replies have the same size. The buffer of the client is in this process too.
        expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
        expect(await client.command('PING')).toEqual({ simple: 'PONG' })
      },
      { clients: { stallTime: 500 } },
    ),
)

test(
  'a subscriber that never reads loses its oldest messages, and the memory stays small',
  slow,
  () =>
    inJobd(async ({ jobd, client }) => {
      await using deaf = await RawSocket.open(jobd.port)
      await deaf.send('SUBSCRIBE jobs\r\n').until(':1\r\n')
      deaf.socket.pause()
      // The payloads of all jobs have 240 MB.
      const payload = 'x'.repeat(20_000)
      await using adder = await RawSocket.open(jobd.port)
      globalThis.gc?.()
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 60; i++) {
        const adds = `JOB.ADD shell ${payload} DELAY 3600000\r\n`.repeat(200)
        await adder.send(`${adds}PING\r\n`).until('+PONG\r\n')
      }
      expect(await client.command('PING')).toEqual({ simple: 'PONG' })
      globalThis.gc?.()
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(120_000_000)
      deaf.socket.resume()
      expect(await deaf.until('}\r\n')).toContain('"state":"queued"')
    }),
)

test('clients beyond the limit are turned away', slow, () =>
  inJobd(
    async ({ jobd, client }) => {
      await using second = await RawSocket.open(jobd.port)
      expect(await second.send('PING\r\n').until('\r\n')).toBe('+PONG\r\n')
      await using third = await RawSocket.open(jobd.port)
      expect(await third.untilClosed()).toBe('')
      expect(await client.command('PING')).toEqual({ simple: 'PONG' })
    },
    { clients: { maxClients: 2 } },
  ),
)
