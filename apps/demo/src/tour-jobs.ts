import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { kinds } from './kinds.ts'

type JobKind = keyof typeof kinds | 'sleep' | 'hash' | 'words' | 'shell' | 'primes'

/** A job of the tour, with the state in which it is expected to end. */
export interface TourJob {
  title: string
  kind: JobKind
  payload: string
  state: 'done' | 'failed'
}

const repository = fileURLToPath(new URL('../../..', import.meta.url))

const notSources = new Set(['node_modules', 'dist', 'docs', 'api'])

/**
 * Returns the folders that hold the source files of the repository, except the files at its top: the folder of each
 * package and of each app, and the other folders at the top of the repository. Hidden folders and the folders in `notSources` are left out.
 */
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

/**
 * Returns the jobs of the tour. The sleep jobs come first, because they keep every worker busy for long enough that the tour
 * can kill a worker that has a job.
 */
export async function tourJobs(): Promise<TourJob[]> {
  const done = (title: string, kind: JobKind, payload: string): TourJob => ({
    title,
    kind,
    payload,
    state: 'done',
  })
  const folders = await sourceFolders()
  return [
    ...[1, 2, 3].map((n) => done(`nap ${n}`, 'sleep', '500')),
    ...folders.map((folder) => done(`hash of ${folder}`, 'hash', join(repository, folder))),
    done('words in the documents', 'words', join(repository, 'docs')),
    done('words in the packages', 'words', join(repository, 'packages')),
    done('git --version', 'shell', 'git --version'),
    {
      title: 'a failing command',
      kind: 'shell',
      payload: 'echo this fails >&2; exit 3',
      state: 'failed',
    },
    done('primes up to a million', 'primes', '1000000'),
    done('lines, by a kind of its own', 'lines', join(repository, 'packages')),
  ]
}
