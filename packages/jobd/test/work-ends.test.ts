import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { isAlive } from '../../../vitest.processes.ts'
import { inJobd, type InJobd, until } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

/** Starts a job whose command has a child process. Returns the number of the job and the process ids of both. */
async function startFamily(server: InJobd, ...options: string[]): Promise<[number, number[]]> {
  const file = `${server.file}.pids`
  // Both processes ignore SIGTERM.
  const stubborn = `trap "" TERM; echo $$ >> ${file}; while :; do sleep 0.05; done`
  const id = await server.add('shell', `sh -c '${stubborn}' & ${stubborn}`, ...options)
  const pids = async (): Promise<number[]> =>
    existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n').map(Number) : []
  await until(async () => (await pids()).length === 2)
  return [id, await pids()]
}

test(
  'a cancel of a shell job ends its whole process group, even processes that ignore SIGTERM',
  slow,
  () =>
    inJobd(async (server) => {
      const [id, pids] = await startFamily(server)
      await server.client.command('JOB.CANCEL', id)
      // A process that has ended still exists until the process that has inherited it reads its exit status.
      await until(() => !pids.some(isAlive))
      expect(await server.get(id)).toMatchObject({ state: 'cancelled' })
    }),
)

test('the time limit of a shell job ends its whole process group', slow, () =>
  inJobd(async (server) => {
    const [id, pids] = await startFamily(server, 'TIMEOUT', '300')
    expect(await server.wait(id)).toMatchObject({ state: 'failed' })
    // A process that has ended still exists until the process that has inherited it reads its exit status.
    await until(() => !pids.some(isAlive))
  }),
)

test('the kill of a worker ends the whole process group of its shell job', slow, () =>
  inJobd(
    async (server) => {
      const [id, pids] = await startFamily(server)
      await server.client.command('ACTOR.KILL', 'workers/worker-1')
      await until(() => !pids.some(isAlive))
      await server.client.command('JOB.CANCEL', id)
    },
    { workers: 1 },
  ),
)

test.for([
  ['cancel', []],
  ['time limit', ['TIMEOUT', '200']],
] as const)('a %s frees the threads of jobs that compute', slow, ([how, options]) =>
  inJobd(
    async ({ add, reach, wait, client }) => {
      // Each of these jobs would take many seconds of CPU time. Together they use all threads of the pool.
      const ids: number[] = []
      for (let i = 0; i < 4; i++) ids.push(await add('primes', '2000000000', ...options))
      if (how === 'cancel') {
        for (const id of ids) await reach(id, 'running')
        for (const id of ids) await client.command('JOB.CANCEL', id)
      }
      const begun = process.cpuUsage()
      for (const id of ids) expect((await wait(id))['state']).toMatch(/cancelled|failed/)
      expect(await wait(await add('primes', '10'))).toMatchObject({ result: '4' })
      // The limit is CPU time of all threads, because on a busy machine more real time passes.
      const { user } = process.cpuUsage(begun)
      expect(user / 1e6).toBeLessThan(20)
    },
    { workers: 4, limits: { primes: { concurrency: 4 } } },
  ),
)

test('a fetch job gives status, bytes and time, and a cancel ends its request', slow, () =>
  inJobd(async ({ add, wait, client }) => {
    let hanging = 0
    const web = createServer((request, response) => {
      if (request.url === '/hang') {
        hanging++
        response.write('a')
        response.once('close', () => hanging--)
      } else {
        response.statusCode = request.url === '/missing' ? 404 : 200
        response.end('hello')
      }
    })
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    const site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    expect((await wait(await add('fetch', `${site}/`)))['result']).toMatch(
      /^200 {2}5 bytes {2}\d+ ms$/,
    )
    expect((await wait(await add('fetch', `${site}/missing`)))['error']).toMatch(/^404 /)
    expect((await wait(await add('fetch', 'http://127.0.0.1:1/')))['error']).toMatch(
      /^fetch failed: .*(bad port|ECONNREFUSED)/,
    )
    const id = await add('fetch', `${site}/hang`)
    await until(() => hanging === 1)
    await client.command('JOB.CANCEL', id)
    await until(() => hanging === 0)
    web.close()
    web.closeAllConnections()
  }),
)

test('a python job runs its code, and an error of the code fails the job', slow, () =>
  inJobd(async ({ add, wait, client }) => {
    const id = await add('python', 'print(6 * 7)')
    const job = await wait(id)
    // On a machine without python3 the job fails with a clear error.
    if (job['state'] === 'failed') {
      expect(job['error']).toBe('there is no python3 on this machine')
      return
    }
    expect(job).toMatchObject({ state: 'done', result: '42' })
    expect(await client.command('JOB.LOG', id)).toBe('42\n')
    const failed = await wait(await add('python', 'raise ValueError("alas")'))
    expect(failed).toMatchObject({ state: 'failed' })
    expect(failed['error']).toMatch(/^exit code 1: .*ValueError: alas$/s)
  }),
)

test('a hash job and a words job read their file, and fail if it is missing', slow, () =>
  inJobd(async ({ add, wait, file }) => {
    await writeFile(`${file}.txt`, 'to be or not to be')
    expect((await wait(await add('words', `${file}.txt`)))['result']).toBe('6 words in 1 file(s)')
    expect((await wait(await add('hash', `${file}.txt`)))['result']).toMatch(
      /^[\da-f]{64} {2}1 file\(s\)$/,
    )
    expect((await wait(await add('hash', `${file}.missing`)))['error']).toContain('ENOENT')
  }),
)
