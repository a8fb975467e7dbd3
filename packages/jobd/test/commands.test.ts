import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient } from '../src/client/job-client.ts'
import { startJobd } from '../src/tree/jobd.ts'
import { inJobd } from './support/in-jobd.ts'
import { send } from './support/request.ts'

const bad = [
  'JOB.LIST LIMIT abc',
  'JOB.ADD sleep 1 PRIORITY 1e300',
  'JOB.ADD sleep 1 DELAY -1',
  'JOB.GET x',
  'JOB.GET 0',
  'JOB.ADD nonsense x',
  'JOB.ADD sleep abc',
  'JOB.ADD sleep -1',
  'JOB.ADD primes 5e9',
  'JOB.ADD fetch ftp://example.com',
  'JOB.PAUSE nonsense',
  'JOB.DELETE 0',
  'JOB.ADD sleep 1 KEEP 5',
  'NO.SUCH',
]

test(
  'a command with a wrong number is answered with an error, and no actor crashes',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'jobd-test-'))
      {
        const file = join(folder, 'jobs.sqlite')
        const { system, port } = await startJobd({ file, host: '127.0.0.1', port: 0, workers: 1 })
        await using _ = system
        await using client = await JobClient.connect('127.0.0.1', port)
        for (const line of bad)
          await expect(client.command(...line.split(' '))).rejects.toThrow('ERR')
        expect(await client.command('JOB.GET', '1')).toBeNull()
        expect(system.lookup('store')?.incarnation).toBe(1)
      }
      await rm(folder, { recursive: true })
    }),
)

test('a search for a text of more than 1000 characters is refused', () =>
  inJobd(async ({ jobd, client }) => {
    // SQLite refuses to search for a text of this length.
    const search = 'x'.repeat(60_000)
    const refusal = 'SEARCH has at most 1000 characters'
    await expect(client.list({ search })).rejects.toThrow(`ERR ${refusal}`)
    await expect(client.command('JOB.BULK', 'DELETE', 'SEARCH', search)).rejects.toThrow(refusal)
    const table = `http://127.0.0.1:${jobd.httpPort}/table?search=`
    expect(await send(table + 'x'.repeat(1_001))).toMatchObject({
      status: 400,
      text: JSON.stringify({ error: refusal }),
    })
    // A search of 1,000 characters is accepted, even if each character has several bytes or is a wildcard, which is escaped.
    for (const character of ['x', '%', '\uFFFD'])
      expect(await client.list({ search: character.repeat(1_000) })).toEqual([])
    expect(jobd.system.lookup('store')?.incarnation).toBe(1)
  }))
