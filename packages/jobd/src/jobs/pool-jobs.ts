import { type JobFuture, jobs } from '@tasktree/executor'
import type * as InPools from './in-pools.ts'
import type { JobContext } from './kind.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/**
 * References to the functions that run in the workers of the pools. Workers load these functions from the file
 * `in-pools`. In the built package that file is in the folder `jobs`.
 */
export const poolJobs = jobs<typeof InPools>(
  new URL(`${extension === 'ts' ? '.' : './jobs'}/in-pools.${extension}`, import.meta.url),
)

/** Reports the progress of a job in a pool as the progress of the whole job, and returns the job. */
export function follow(job: JobFuture<string>, ctx: JobContext): JobFuture<string> {
  return job.onProgress((value) => {
    const { done, total } = value as { done: number; total: number }
    ctx.progress(done, total)
  })
}
