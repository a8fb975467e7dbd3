import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { run, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient, toRecord } from '../src/client/job-client.ts'
import { inFolder } from './support/folder.ts'
import { until } from './support/in-jobd.ts'
import { main } from './support/served.ts'

const rounds = Number(process.env['JOBD_KILL_ROUNDS'] ?? 20)
const kinds = fileURLToPath(new URL('./fixtures/kinds/marking.ts', import.meta.url))

async function serve(folder: string): Promise<{ child: ChildProcess; port: number }> {
  const words = ['serve', '--db', join(folder, 'jobs.sqlite'), '--port', '0', '--http', '0']
  words.push('--kinds', kinds, '--workers', '8', '--max-deaths', '1000', '--keep-last', '100000')
  const child = spawn(process.execPath, [main, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, JOBD_TEST_MARKS: join(folder, 'marks') },
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listens on .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { child, port: Number(port) }
  }
  throw new Error('the server has not started')
}

/** Reads the lines that the jobs have written. Each has the process, the event, and the name or number of the job. */
function readMarks(folder: string): string[][] {
  const lines = readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n')
  return lines.map((line) => line.split(' '))
}

/** Returns the largest number of counted jobs that ran at the same time. The jobs of a killed server end with that server. */
function mostRunning(lines: readonly string[][], isCounted: (name: string) => boolean): number {
  let [most, server] = [0, '']
  const running = new Set<string>()
  for (const [pid = '', what, name = ''] of lines) {
    if (pid !== server) running.clear()
    server = pid
    if (!isCounted(name)) continue
    if (what === 'begin') running.add(name)
    if (what === 'end') running.delete(name)
    most = Math.max(most, running.size)
  }
  return most
}

test(
  `${rounds} kills, also between steps: cron times and committed steps run once, and limits hold`,
  { tags: ['slow'], timeout: 60_000 + rounds * 5_000 },
  () =>
    inFolder((folder) =>
      run(async () => {
        writeFileSync(join(folder, 'marks'), '')
        let names = 0
        const held: string[] = []
        for (let round = 0; round < rounds; round++) {
          const { child, port } = await serve(folder)
          const exited = once(child, 'exit')
          const timer = sleep(150 + Math.random() * 500)
          {
            await using client = await JobClient.connect('127.0.0.1', port)
            if (round === 0)
              await client.every('each-second', '* * * * * *', 'tick', '', { missed: 'all' })
            for (let i = 0; i < 6; i++) {
              const group = `g${i % 3}`
              await client.add('busy', `${group}/${++names}`, { group })
            }
            await timer
            if (round % 4 === 1) {
              // This kill meets a job whose first step is committed and whose attempt has not ended.
              const name = `held/${++names}`
              const id = await client.add('busy', name, { group: 'held' })
              held.push(name)
              await until(() =>
                readMarks(folder).some(([, what, of]) => what === 'after-one' && of === String(id)),
              )
            }
          }
          child.kill('SIGKILL')
          await exited
        }
        const { child, port } = await serve(folder)
        const exited = once(child, 'exit')
        {
          await using client = await JobClient.connect('127.0.0.1', port)
          await client.unschedule('each-second')
          await until(async () => {
            const { queued, running } = toRecord(await client.command('JOB.STATS'))
            return queued === 0 && running === 0
          })
        }
        child.kill('SIGTERM')
        await exited

        using database = new DatabaseSync(join(folder, 'jobs.sqlite'))
        const read = (sql: string): Record<string, unknown>[] => database.prepare(sql).all()
        // There is one job for each second, and never two.
        const times = read(
          `SELECT scheduledAt AS at FROM jobs WHERE schedule = 'each-second' ORDER BY at`,
        ).map(({ at }) => Number(at))
        expect(times.length).toBeGreaterThan(rounds / 4)
        expect(times).toEqual(times.map((_, i) => (times[0] as number) + i * 1_000))

        const lines = readMarks(folder)
        // A job writes 'after-one' when its first step is committed.
        const committed = new Set<string>()
        for (const [, what, id = ''] of lines) {
          if (what === 'after-one') committed.add(id)
          if (what === 'step-one') expect(committed.has(id)).toBe(false)
        }
        expect(committed.size).toBe(names)
        expect(held.length).toBeGreaterThanOrEqual(Math.floor(rounds / 4))
        for (const name of held) {
          const of = lines.filter(([, , it]) => it === name)
          // The kill has cut the first attempt off, and another server has run the job to its end.
          expect(of.filter(([, what]) => what === 'begin').length).toBeGreaterThanOrEqual(2)
          expect(of.some(([, what]) => what === 'end')).toBe(true)
          expect(of.at(0)?.[0]).not.toBe(of.at(-1)?.[0])
        }
        expect(mostRunning(lines, () => true)).toBeLessThanOrEqual(3)
        for (const group of ['g0', 'g1', 'g2', 'held'])
          expect(mostRunning(lines, (name) => name.startsWith(`${group}/`))).toBe(1)
        const begins = read(`SELECT at FROM begins WHERE kind = 'busy' ORDER BY at`).map(({ at }) =>
          Number(at),
        )
        expect(begins.length).toBeGreaterThanOrEqual(names)
        // The ninth job must begin 400 ms after the first. The test allows 2 ms less, because the clock counts whole milliseconds.
        const tooClose = begins.filter((at, i) => i >= 8 && at - (begins[i - 8] as number) < 398)
        expect(tooClose).toEqual([])
      }),
    ),
)
