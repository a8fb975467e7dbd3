import type * as fs from 'node:fs'
import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { backUpFile, restoreFile } from '../src/store/maintenance.ts'
import { firstEdition, take } from './support/files.ts'
import { inFolder } from './support/folder.ts'

const { steps, paths } = vi.hoisted(() => ({ steps: [] as string[], paths: new Map() }))

// A test cannot make a power failure. So these tests check the order of the calls that write and flush the files.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return {
    ...real,
    openSync: (...args: Parameters<typeof real.openSync>) => {
      const descriptor = real.openSync(...args)
      paths.set(descriptor, String(args[0]))
      return descriptor
    },
    fsyncSync: (descriptor: number) => {
      real.fsyncSync(descriptor)
      steps.push(`flush ${basename(paths.get(descriptor))}`)
    },
    renameSync: (from: string, to: string) => {
      real.renameSync(from, to)
      steps.push(`rename ${basename(from)} to ${basename(to)}`)
    },
  }
})

beforeEach(() => void steps.splice(0))

const makers: [string, string, (jobs: string, folder: string) => Promise<void> | void][] = [
  ['a backup', 'copy', (jobs, folder) => backUpFile(jobs, join(folder, 'copy'))],
  ['a restored file', 'other', (jobs, folder) => void restoreFile(jobs, join(folder, 'other'))],
  ['the copy before a migration', 'jobs.v0', async (jobs) => (await take(jobs)).release()],
]

test.each(makers)('%s is flushed to the disk before and after it gets its name', (_, name, make) =>
  inFolder(async (folder) => {
    const jobs = join(folder, 'jobs')
    copyFileSync(firstEdition, jobs)
    await make(jobs, folder)
    const renamed = steps.findIndex((step) => step.endsWith(` to ${name}`))
    const part = /^rename (\S+) to/.exec(steps[renamed] ?? '')?.[1]
    expect(steps[renamed - 1]).toBe(`flush ${part}`)
    expect(steps[renamed + 1]).toBe(`flush ${basename(folder)}`)
  }),
)
