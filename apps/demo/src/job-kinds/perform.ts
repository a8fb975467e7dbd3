import { sleep } from '@tasktree/core'
import { type Executor, jobs } from '@tasktree/executor'
import { createSubprocessShell, PIPE, STDOUT } from '@tasktree/subprocess'
import type { Job } from '../job.ts'

/** Found anew at each job: a pool that was restarted is another. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const cpuJobs = jobs<typeof import('./cpu-jobs.ts')>(
  new URL(`${extension === 'ts' ? '.' : './job-kinds'}/cpu-jobs.${extension}`, import.meta.url),
)

/** Does a job, and gives its result as text. A cancel ends the work itself. */
export async function perform(job: Job, pools: Pools): Promise<string> {
  switch (job.kind) {
    case 'shell':
      return shell(job.payload)
    case 'hash':
      return pools.threads.submit(cpuJobs.hash, job.payload)
    case 'words':
      return pools.processes.submit(cpuJobs.words, job.payload)
    case 'primes':
      return pools.threads.submit(cpuJobs.primes, wholeNumber(job.payload))
    case 'sleep':
      return sleep(wholeNumber(job.payload), `slept ${job.payload} ms`)
  }
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
