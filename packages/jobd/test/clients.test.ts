import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { inJobd } from './support/in-jobd.ts'
import { testWhere } from '../../../vitest.skips.ts'

const slow = { tags: ['slow'] }
const execute = promisify(execFile)

/** Whether redis-cli is installed (Debian: redis-tools). Without it the tests of `testWithTools` are skipped. */
const hasTools = spawnSync('redis-cli', ['--version']).status === 0
const testWithTools = testWhere(hasTools, 'redis-tools are not installed')

test('ioredis connects with its defaults, submits, waits, subscribes and pipelines', slow, () =>
  inJobd(async ({ jobd }) => {
    const redis = new Redis(jobd.port, '127.0.0.1')
    const subscriber = new Redis(jobd.port, '127.0.0.1')
    const states: string[] = []
    subscriber.on('message', (_, text: string) =>
      states.push((JSON.parse(text) as { state: string }).state),
    )
    expect(await subscriber.subscribe('jobs')).toBe(1)
    const id = (await redis.call('JOB.ADD', 'sleep', '1')) as number
    expect(await redis.call('JOB.WAIT', id)).toContain('done')
    const done = Promise.withResolvers<void>()
    if (states.includes('done')) done.resolve()
    else subscriber.on('message', () => states.includes('done') && done.resolve())
    await done.promise
    expect(states).toEqual(['queued', 'running', 'done'])
    const pipeline = redis.pipeline()
    for (let i = 0; i < 10_000; i++) pipeline.echo(String(i))
    const replies = await pipeline.exec()
    expect(replies?.map(([, reply]) => reply)).toEqual(
      Array.from({ length: 10_000 }, (_, i) => String(i)),
    )
    await expect(redis.call('JOB.GET', 'x')).rejects.toThrow('ERR the id must be a whole number')
    await redis.quit()
    await subscriber.quit()
  }),
)

test.for([2, 3] as const)(
  'node-redis connects with its defaults, submits, waits and subscribes in RESP%i',
  slow,
  (RESP) =>
    inJobd(
      async ({ jobd }) => {
        const options = { url: `redis://:secret@127.0.0.1:${jobd.port}`, RESP }
        const redis = createClient(options)
        const subscriber = createClient(options)
        await Promise.all([redis.connect(), subscriber.connect()])
        const states: string[] = []
        const done = Promise.withResolvers<void>()
        await subscriber.subscribe('jobs', (text) => {
          const { state } = JSON.parse(text) as { state: string }
          states.push(state)
          if (state === 'done') done.resolve()
        })
        const id = await redis.sendCommand<number>(['JOB.ADD', 'sleep', '1'])
        expect(JSON.stringify(await redis.sendCommand(['JOB.WAIT', String(id)]))).toContain(
          '"done"',
        )
        await done.promise
        expect(states).toEqual(['queued', 'running', 'done'])
        const numbers = Array.from({ length: 10_000 }, (_, i) => String(i))
        expect(await Promise.all(numbers.map((n) => redis.echo(n)))).toEqual(numbers)
        await subscriber.unsubscribe('jobs')
        await Promise.all([redis.close(), subscriber.close()])
      },
      { password: 'secret' },
    ),
)

testWithTools('redis-cli submits a job, waits for it and shows it', slow, () =>
  inJobd(
    async ({ jobd }) => {
      const cli = async (...words: string[]): Promise<string> => {
        const args = ['-p', String(jobd.port), '-a', 'secret', '--no-auth-warning', ...words]
        return (await execute('redis-cli', args)).stdout
      }
      expect(await cli('PING')).toBe('PONG\n')
      expect(await cli('JOB.ADD', 'shell', 'echo hello')).toBe('1\n')
      expect(await cli('JOB.WAIT', '1')).toContain('hello')
      expect(await cli('-3', 'JOB.GET', '1')).toContain('done')
      expect(await cli('JOB.GET', 'x')).toContain('ERR the id must be')
      expect(await cli('TREE')).toContain('rest-for-one')
    },
    { password: 'secret' },
  ),
)

testWithTools('redis-benchmark runs PING and JOB.ADD against a server', slow, () =>
  inJobd(async ({ jobd, client }) => {
    const args = ['-p', String(jobd.port), '-n', '20000', '-c', '50', '-P', '16', '--csv']
    const { stdout } = await execute('redis-benchmark', [...args, '-t', 'ping'])
    expect(stdout).toMatch(/"PING_INLINE","\d/)
    expect(stdout).toMatch(/"PING_MBULK","\d/)
    const added = await execute('redis-benchmark', [
      ...args.slice(0, -3),
      '--csv',
      'JOB.ADD',
      'sleep',
      '0',
      'DELAY',
      '3600000',
    ])
    expect(added.stdout).toMatch(/JOB.ADD/)
    expect(await client.command('JOB.STATS')).toContain(20_000)
  }),
)
