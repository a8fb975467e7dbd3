import {
  type JobRefs,
  jobs,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from '@tasktree/executor'
import type * as work from '../fixtures/work.ts'

type Pool = ThreadPoolExecutor | ProcessPoolExecutor

/** Every behaviour holds for both. */
export const kinds: { name: string; make: (options?: PoolOptions) => Pool }[] = [
  { name: 'threads', make: (options) => new ThreadPoolExecutor(options) },
  { name: 'processes', make: (options) => new ProcessPoolExecutor(options) },
]

export const refs: JobRefs<typeof work> = jobs<typeof work>(
  new URL('../fixtures/work.js', import.meta.url),
)
