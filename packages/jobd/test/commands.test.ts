import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient } from '../src/client/job-client.ts'
import { startJobd } from '../src/tree/jobd.ts'

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

test('a wrong number of a client is answered, and no actor ends by it', { tags: ['slow'] }, () =>
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
