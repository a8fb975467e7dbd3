import { sleep } from '@tasktree/core'
import { type Executor, jobs } from '@tasktree/executor'
import { createSubprocessShell, PIPE, STDOUT } from '@tasktree/subprocess'
import type { Job, JobKind } from '../job.ts'
import type * as CpuJobs from './cpu-jobs.ts'

/** Found anew at each job: a pool that was restarted is another. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const cpuJobs = jobs<typeof CpuJobs>(
  new URL(`${extension === 'ts' ? '.' : './job-kinds'}/cpu-jobs.${extension}`, import.meta.url),
)

const kinds: Record<JobKind, (payload: string, pools: Pools) => PromiseLike<string>> = {
  shell,
  hash: (path, pools) => pools.threads.submit(cpuJobs.hash, path),
  words: (path, pools) => pools.processes.submit(cpuJobs.words, path),
  primes: async (n, pools) => pools.threads.submit(cpuJobs.primes, wholeNumber(n)),
  sleep: async (ms) => sleep(wholeNumber(ms), `slept ${ms} ms`),
}

/** Does a job, and gives its result as text. A cancel ends the work itself. */
export function perform(job: Job, pools: Pools): PromiseLike<string> {
  return kinds[job.kind](job.payload, pools)
}

async function shell(command: string): Promise<string> {
  const child = await createSubprocessShell(command, {
    stdin: 'inherit',
    stdout: PIPE,
    stderr: STDOUT,
  })
  await using _ = child
  const [output] = await child.communicate()
  const text = output?.toString().trimEnd() ?? ''
  if (child.returncode !== 0)
    throw new Error(`exit code ${child.returncode}${text === '' ? '' : `: ${text}`}`)
  return text
}

function wholeNumber(text: string): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`expected a whole number, got ${JSON.stringify(text)}`)
  return n
}
