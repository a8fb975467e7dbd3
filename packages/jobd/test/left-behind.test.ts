import { fileURLToPath } from 'node:url'
import { run } from '@tasktree/core'
import { JobClient } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import type kinds from './fixtures/kinds/left-behind.ts'
import { until } from './support/in-jobd.ts'
import { Served } from './support/served.ts'

const slow = { tags: ['slow'] }
const module = fileURLToPath(new URL('./fixtures/kinds/left-behind.ts', import.meta.url))

/** Runs `body` with a server in another process, because the test runner of this process listens for such errors too. */
function inServed(
  body: (client: JobClient<typeof kinds>, served: Served) => Promise<void>,
): Promise<void> {
  return run(async () => {
    await using served = await Served.start('--kinds', module)
    await using client = await JobClient.connect<typeof kinds>('127.0.0.1', served.port)
    await body(client, served)
  })
}

const rejected = 'a promise that was left behind rejected: boom'
const thrown = 'an error was thrown outside of what run awaits: boom'

test('an error in code that a job has not awaited fails this job and no other', slow, () =>
  inServed(async (client, served) => {
    for (const [kind, error] of [
      ['rejection', rejected],
      ['lateRejection', rejected],
      ['swallowing', rejected],
      ['timer', thrown],
      ['immediate', thrown],
      ['callback', thrown],
      ['stuck', thrown],
    ] as const) {
      const job = await client.wait(await client.add(kind))
      expect([kind, job?.state, job?.error]).toEqual([kind, 'failed', error])
    }
    const retried = await client.wait(await client.add('retried'))
    expect(retried).toMatchObject({ state: 'done', attempts: 2, result: '2' })
    expect(await client.run('quick', 'x')).toBe('x')
    expect(await served.stop()).toBe(0)
  }),
)

test('an error that cannot be described fails its job, and other jobs go on', slow, () =>
  inServed(async (client, served) => {
    const error = 'a value was thrown that cannot be described'
    for (const kind of ['hostileGetter', 'hostileProxy'] as const)
      expect(await client.wait(await client.add(kind))).toMatchObject({ state: 'failed', error })
    expect(await served.stop()).toBe(0)
  }),
)

test('a progress report of a wrong type fails its job, and the store goes on', slow, () =>
  inServed(async (client, served) => {
    for (const [kind, error] of [
      ['wrongOutput', 'ctx.output takes a text, got undefined'],
      ['wrongProgress', 'ctx.progress takes two numbers, got string half and number 2'],
      ['wrongOutputInThread', 'ctx.output takes a text, got number 5'],
    ] as const)
      expect(await client.wait(await client.add(kind))).toMatchObject({ state: 'failed', error })
    expect(await client.run('ownReports')).toBe('reported')
    expect(served.log).not.toContain('restarting')
    expect(await served.stop()).toBe(0)
  }),
)

test('an error in code of a job after the end of the job is logged with the job', slow, () =>
  inServed(async (client, served) => {
    const id = await client.add('afterItsEnd')
    expect(await client.wait(id)).toMatchObject({ state: 'done' })
    await until(() => served.log.includes(`job ${id} (afterItsEnd), which has ended: ${thrown}`))
    expect(await client.run('quick', 'x')).toBe('x')
  }),
)

test('a cancelled job counts as cancelled even if code that it has not awaited fails', slow, () =>
  inServed(async (client) => {
    const id = await client.add('cancelledCall')
    await until(async () => (await client.get(id))?.state === 'running')
    await client.cancel(id)
    expect(await client.wait(id)).toMatchObject({ state: 'cancelled' })
    expect(await client.run('quick', 'x')).toBe('x')
  }),
)

test('an error that belongs to no job ends the server with an error message', slow, () =>
  inServed(async (client, served) => {
    await client.add('outside').catch(() => {})
    expect(await served.ended()).toBe(1)
    expect(served.log).toContain('Error: outside')
  }),
)
