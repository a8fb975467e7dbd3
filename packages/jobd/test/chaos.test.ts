import { DatabaseSync } from 'node:sqlite'
import { type ActorSystem, type NodeSnapshot } from '@tasktree/actor'
import { gather, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient, toRecord } from '../src/client/job-client.ts'
import { finalStates, type JobState } from '../src/jobs/job.ts'
import { allJobs, countDeletions, recordDeletions } from './support/deletions.ts'
import { inJobd, until } from './support/in-jobd.ts'

const kills = Number(process.env['JOBD_CHAOS_KILLS'] ?? 25)
/** The kills go on until more jobs than this are acknowledged, so that each run is under load. */
const wanted = kills * 2.4

/** Returns the paths of all actors below the root. */
function pathsIn(system: ActorSystem): string[] {
  const pathsOf = (node: NodeSnapshot): string[] =>
    node.children.flatMap((child) => [child.path, ...pathsOf(child)])
  return pathsOf(system.snapshot().root)
}

test(
  `${kills} kills of random parts under load: each acknowledged job ends, and no job is deleted before its end`,
  { tags: ['slow'], timeout: 120_000 + kills * 1_000 },
  () =>
    inJobd(
      async ({ jobd, client: first, file }) => {
        recordDeletions(file)
        await first.command('JOB.PAUSE', 'python')
        const paused = Number(await first.command('JOB.ADD', 'python', 'print(1)'))
        const acknowledged: number[] = []
        let connects = 0
        const state = { isOver: false }
        const kill = async (): Promise<void> => {
          for (let i = 0; i < kills || acknowledged.length <= wanted; i++) {
            await sleep(200)
            const paths = pathsIn(jobd.system)
            const path = paths[Math.floor(Math.random() * paths.length)] as string
            await jobd.system.lookup(path)?.kill()
          }
          state.isOver = true
        }
        const load = async (): Promise<void> => {
          while (!state.isOver) {
            try {
              await using client = await JobClient.connect('127.0.0.1', jobd.port)
              connects++
              while (!state.isOver) {
                const words = Math.random() < 0.2 ? ['shell', 'true'] : ['sleep', '5']
                acknowledged.push(Number(await client.command('JOB.ADD', ...words)))
                await sleep(10)
              }
            } catch {
              // The listener was killed, or the part of the tree that had to answer is being restarted.
              await sleep(20)
            }
          }
        }
        await gather([kill, ...Array.from({ length: 4 }, () => load)])
        expect(connects).toBeGreaterThan(4)
        await until(() => pathsIn(jobd.system).includes('/jobd/workers/worker-3'))
        await until(() => jobd.system.lookup('dashboard')?.status === 'running')
        await using client = await JobClient.connect('127.0.0.1', jobd.port)
        for (const id of acknowledged) {
          // Retention may have deleted the job. The code below checks all deleted jobs.
          const job = await client.command('JOB.WAIT', id)
          if (job !== null) expect(finalStates.has(toRecord(job)['state'] as JobState)).toBe(true)
        }
        using database = new DatabaseSync(file)
        const known = new Set(
          database
            .prepare(`SELECT id FROM ${allJobs}`)
            .all()
            .map(({ id }) => id),
        )
        expect(acknowledged.filter((id) => !known.has(id))).toEqual([])
        const deletions = countDeletions(database)
        expect(deletions.early).toBe(0)
        expect(deletions.all).toBeGreaterThan(wanted / 10)
        expect(toRecord(await client.command('JOB.GET', paused))).toMatchObject({
          state: 'queued',
          attempts: 0,
        })
        expect(new Set(acknowledged).size).toBe(acknowledged.length)
        expect(acknowledged.length).toBeGreaterThan(wanted)
      },
      { workers: 3, retention: { last: 20 } },
    ),
)
