import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gather, sleep, timeout } from '@tasktree/core'
import { Client, toRecord } from './client.ts'
import { startJobd } from './jobd.ts'

/** What the tour prints. */
type Print = (line: string) => void

const repository = fileURLToPath(new URL('../../..', import.meta.url))

interface TourJob {
  title: string
  words: string[]
  state: 'done' | 'failed'
}

const notSources = new Set(['node_modules', 'dist', 'docs', 'api'])

/** The folders that together hold every source file: the packages one by one, and what stands beside them. */
async function sourceFolders(): Promise<string[]> {
  const foldersIn = async (path: string): Promise<string[]> => {
    const entries = await readdir(join(repository, path), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    return folders.map((entry) => join(path, entry.name))
  }
  const top = (await foldersIn('.')).filter((name) => !notSources.has(name))
  const nested = await Promise.all(
    top.map(async (name) => (name === 'packages' || name === 'apps' ? foldersIn(name) : [name])),
  )
  return nested.flat().toSorted()
}

/** The jobs of the tour, with what each is expected to come to. */
async function tourJobs(): Promise<TourJob[]> {
  const folders = await sourceFolders()
  return [
    ...folders.map((folder): TourJob => ({
      title: `hash of ${folder}`,
      words: ['hash', join(repository, folder)],
      state: 'done',
    })),
    { title: 'words in the documents', words: ['words', join(repository, 'docs')], state: 'done' },
    {
      title: 'words in the package READMEs',
      words: ['words', join(repository, 'packages')],
      state: 'done',
    },
    { title: 'git --version', words: ['shell', 'git --version'], state: 'done' },
    {
      title: 'a failing command',
      words: ['shell', 'echo this fails >&2; exit 3'],
      state: 'failed',
    },
    { title: 'primes up to a million', words: ['primes', '1000000'], state: 'done' },
    ...[1, 2, 3, 4].map((n) => ({
      title: `nap ${n}`,
      words: ['sleep', '300'],
      state: 'done' as const,
    })),
  ]
}

/** Far more than it takes: a tour that hangs must end, and say so. Milliseconds. */
const longestTour = 120_000

/** Starts the tree, gives it real work, kills a worker midway, and shows that nothing was lost. */
export async function tour(print: Print): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'jobd-'))
  try {
    await timeout(longestTour, () => inFolder(folder, print))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inFolder(folder: string, print: Print): Promise<void> {
  const restarts: string[] = []
  const logger = {
    debug() {},
    info() {},
    warn: (text: string) => void restarts.push(text),
    error: (text: string) => void restarts.push(text),
  }
  const { system, port } = await startJobd({
    file: join(folder, 'jobs.sqlite'),
    host: '127.0.0.1',
    port: 0,
    workers: 3,
    logger,
  })
  await using _ = system
  print(`jobd listens on 127.0.0.1:${port}, jobs in an SQLite file\n`)
  print(system.tree())

  await using client = await Client.connect('127.0.0.1', port)
  const jobs = await tourJobs()
  const ids: number[] = []
  for (const { words } of jobs) ids.push(Number(await client.command('JOB.ADD', ...words)))
  print(`\n${ids.length} jobs submitted, each acknowledged after its commit`)

  await sleep(50)
  await client.command('ACTOR.KILL', 'workers/worker-1')
  print('worker-1 killed\n')

  const finished = await gather(
    ids.map((id) => async () => {
      await using waiter = await Client.connect('127.0.0.1', port)
      return toRecord(await waiter.command('JOB.WAIT', id))
    }),
  )
  let surprises = 0
  for (const [i, job] of finished.entries()) {
    const expected = jobs[i] as TourJob
    if (job['state'] !== expected.state) surprises++
    const outcome = job['result'] ?? job['error'] ?? ''
    const attempts = Number(job['attempts']) > 1 ? `  (attempt ${job['attempts']})` : ''
    print(
      `${job['id']?.padStart(3)}  ${job['state']?.padEnd(7)} ${expected.title.padEnd(32)} ${outcome.slice(0, 90)}${attempts}`,
    )
  }
  const statistics = toRecord(await client.command('JOB.STATS'))
  print(`\n${system.tree()}`)
  for (const line of restarts) print(`logged: ${line}`)
  const done = Number(statistics['done'] ?? 0)
  const failed = Number(statistics['failed'] ?? 0)
  print(
    `\n${done} done, ${failed} failed as it should, ${ids.length - done - failed} lost; worker-1 is incarnation ${system.lookup('workers/worker-1')?.incarnation}`,
  )
  if (surprises > 0 || done + failed !== ids.length)
    throw new Error(`${surprises} job(s) came out otherwise than expected`)
  if (system.lookup('workers/worker-1')?.incarnation !== 2)
    throw new Error('the killed worker was not restarted')
}
