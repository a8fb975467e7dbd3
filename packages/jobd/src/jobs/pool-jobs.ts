import { type JobFuture, jobs } from '@tasktree/executor'
import type * as InPools from './in-pools.ts'
import type { JobContext } from './kind.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** The functions that run in the pools' workers, by the file that the workers load: in what is built it is a folder away. */
export const poolJobs = jobs<typeof InPools>(
  new URL(`${extension === 'ts' ? '.' : './jobs'}/in-pools.${extension}`, import.meta.url),
)

/** The same job, whose progress is shown. */
export function follow(job: JobFuture<string>, ctx: JobContext): JobFuture<string> {
  return job.onProgress((value) => {
    const { done, total } = value as { done: number; total: number }
    ctx.progress(done, total)
  })
}
