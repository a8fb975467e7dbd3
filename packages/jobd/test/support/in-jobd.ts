import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import { JobClient, toRecord } from '../../src/client/job-client.ts'
import { type Jobd, type JobdOptions, startJobd } from '../../src/tree/jobd.ts'
import type { Reply } from '../../src/protocol/resp.ts'

/** A server in this process, with a client of it. */
export interface InJobd {
  jobd: Jobd
  client: JobClient
  file: string
  /** Adds a job and gives its number. */
  add: (...words: string[]) => Promise<number>
  /** Waits for a job's end and gives what is known of it. */
  wait: (id: number) => Promise<Record<string, string | number | null>>
  get: (id: number) => Promise<Record<string, string | number | null>>
  /** Waits until the job is in that state. */
  reach: (id: number, state: string) => Promise<void>
}

/** Starts a server on a file of its own for `body`, and ends it after. */
export function inJobd(
  body: (server: InJobd) => Promise<void>,
  options: Partial<JobdOptions> = {},
): Promise<void> {
  return run(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobd-test-'))
    try {
      const file = options.file ?? join(folder, 'jobs.sqlite')
      await using jobd = await startJobd({
        host: '127.0.0.1',
        port: 0,
        workers: 2,
        logger: silentLogger,
        ...options,
        file,
      })
      const password = options.password ?? null
      await using client = await JobClient.connect('127.0.0.1', jobd.port, { password })
      const ask = async (...words: (string | number)[]): Promise<Reply> => client.command(...words)
      const get = async (id: number): Promise<Record<string, string | number | null>> =>
        toRecord(await ask('JOB.GET', id))
      await body({
        jobd,
        client,
        file,
        add: async (...words) => Number(await ask('JOB.ADD', ...words)),
        wait: async (id) => toRecord(await ask('JOB.WAIT', id)),
        get,
        reach: (id, state) => until(async () => (await get(id))['state'] === state),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

/** Looks again and again until it holds; a test that waits in vain runs into its time limit. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(5)
}
