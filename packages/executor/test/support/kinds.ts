import {
  type JobRefs,
  jobs,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from '@tasktree/executor'
import type * as work from '../fixtures/work.ts'
import { bundled } from './bundled.ts'

type Pool = ThreadPoolExecutor | ProcessPoolExecutor

const workerEntry = bundled('worker-entry.js')

/** The two kinds of pools. Most tests run with both. */
export const kinds: { name: string; make: (options?: PoolOptions) => Pool }[] = [
  { name: 'threads', make: (options) => new ThreadPoolExecutor({ workerEntry, ...options }) },
  { name: 'processes', make: (options) => new ProcessPoolExecutor({ workerEntry, ...options }) },
]

export const refs: JobRefs<typeof work> = jobs<typeof work>(bundled('work.js'))

/** The same jobs, loaded from their TypeScript file, so that stacks name this file. */
export const sourceRefs: JobRefs<typeof work> = jobs<typeof work>(
  new URL('../fixtures/work.js', import.meta.url),
)
