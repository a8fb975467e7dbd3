import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import { JobClient, toRecord } from '../../src/client/job-client.ts'
import { type Jobd, type JobdOptions, startJobd } from '../../src/tree/jobd.ts'
import type { Reply } from '../../src/protocol/resp.ts'

/** A server in this process, and a client that is connected to it. */
export interface InJobd {
  jobd: Jobd
  client: JobClient
  file: string
  /** Adds a job and returns its number. */
  add: (...words: string[]) => Promise<number>
  /** Waits until a job has ended, and returns the record of the job. */
  wait: (id: number) => Promise<Record<string, string | number | null>>
  get: (id: number) => Promise<Record<string, string | number | null>>
  /** Waits until the job is in this state. */
  reach: (id: number, state: string) => Promise<void>
}

/** Starts a server on a new file, runs `body`, and ends the server. */
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

/** Calls `holds` every 5 ms until it returns true. If it never does, the test fails at its time limit. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(5)
}
