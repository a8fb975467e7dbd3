import { expect, test } from 'vitest'
import { defineKinds } from '../src/jobs/kind.ts'
import { KindError, KindTable } from '../src/jobs/kind-table.ts'
import { longestShown } from '../src/jobs/shown-job.ts'
import { inJobd } from './support/in-jobd.ts'

test('JOB.LIST gives a short key with a NUL character whole, and shortens a long key', () =>
  inJobd(async ({ client }) => {
    await client.add('sleep', '0', { delay: 60_000, key: 'a\0b', group: 'g\0h' })
    expect((await client.list())[0]).toMatchObject({ key: 'a\0b', group: 'g\0h' })
    const long = 'x'.repeat(100_000)
    await client.add('sleep', '0', { delay: 60_000, key: long, group: long })
    const [job] = await client.list()
    expect([job?.key?.length, job?.group?.length]).toEqual([longestShown, longestShown])
  }))

test('a payload whose parsed value throws when it is read is refused', async () => {
  const fail = (): never => {
    throw new Error('not yours')
  }
  const values = [
    new Proxy({}, { has: fail }),
    new Proxy({}, { has: () => true, get: fail }),
    new Proxy({}, { has: () => true, get: () => fail }),
  ]
  const kinds = defineKinds({ odd: { parse: (n) => values[Number(n)], run: () => 1 } })
  const table = await KindTable.load(kinds, false)
  for (const n of values.keys())
    expect(() => table.checkPayload('odd', String(n))).toThrow(new KindError('odd: not yours'))
})

test('a step name that the file cannot store is refused', () =>
  inJobd(
    async ({ client }) => {
      await expect(client.run('steps', '')).rejects.toThrow(
        String.raw`the name of a step must be a text, got "\ud800"`,
      )
    },
    { kinds: defineKinds({ steps: { run: (_, ctx) => ctx.step('\uD800', () => 1) } }) },
  ))
