import { performance } from 'node:perf_hooks'
import { sleep, taskSignal } from '@tasktree/core'
import { type Executor, type JobFuture, jobs } from '@tasktree/executor'
import {
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  PIPE,
  type Process,
  STDOUT,
} from '@tasktree/subprocess'
import type { Job, JobKind } from './job.ts'
import type * as InPools from './in-pools.ts'

/** Found anew at each job: a pool that was restarted is another. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

/** What a job has while it runs. */
export interface Bench {
  readonly pools: Pools
  /** Keeps a piece of its output. */
  readonly output: (text: string) => void
  readonly progress: (done: number, total: number) => void
}

type Perform = (payload: string, bench: Bench) => PromiseLike<string>

/** SIGKILL follows SIGTERM so soon that a cancelled job's processes are gone within a second. Milliseconds. */
const killGrace = 500

/** Of its output, the end is a job's result too. Characters. */
const longestResult = 4_096

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const inPools = jobs<typeof InPools>(
  new URL(`${extension === 'ts' ? '.' : './jobs'}/in-pools.${extension}`, import.meta.url),
)

const kinds: Record<JobKind, Perform> = {
  shell: async (command, bench) =>
    outcomeOf(
      await createSubprocessShell(command, {
        stdin: DEVNULL,
        stdout: PIPE,
        stderr: STDOUT,
        killGrace,
      }),
      bench,
    ),
  hash: (path, bench) => follow(bench.pools.threads.submit(inPools.hash, path), bench),
  words: (path, bench) => follow(bench.pools.processes.submit(inPools.words, path), bench),
  primes: async (n, bench) =>
    follow(bench.pools.threads.submit(inPools.primes, wholeNumber(n)), bench),
  fetch: get,
  python,
  sleep: async (ms) => sleep(wholeNumber(ms), `slept ${ms} ms`),
}

/** Does a job, and gives its result as text. A cancel ends the work itself. */
export function perform(job: Job, bench: Bench): PromiseLike<string> {
  return kinds[job.kind](job.payload, bench)
}

/** Reads a child's output as it comes, until its end. */
async function outcomeOf(child: Process, bench: Bench): Promise<string> {
  await using _ = child
  const decoder = new TextDecoder()
  let end = ''
  const keep = (text: string): void => {
    if (text === '') return
    bench.output(text)
    end = (end + text).slice(-longestResult)
  }
  for (;;) {
    const chunk = await child.stdout?.read(65_536)
    if (chunk === undefined || chunk.length === 0) break
    keep(decoder.decode(chunk, { stream: true }))
  }
  keep(decoder.decode())
  await child.wait()
  const text = end.trimEnd()
  if (child.returncode !== 0)
    throw new Error(`exit code ${child.returncode}${text === '' ? '' : `: ${text}`}`)
  return text
}

function follow(job: JobFuture<string>, bench: Bench): JobFuture<string> {
  return job.onProgress((value) => {
    const { done, total } = value as { done: number; total: number }
    bench.progress(done, total)
  })
}

async function get(url: string): Promise<string> {
  const begun = performance.now()
  const response = await fetch(url, { signal: taskSignal() })
  let bytes = 0
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
  const text = `${response.status}  ${bytes} bytes  ${Math.round(performance.now() - begun)} ms`
  if (!response.ok) throw new Error(text)
  return text
}

async function python(code: string, bench: Bench): Promise<string> {
  let child: Process
  try {
    child = await createSubprocessExec('python3', ['-u', '-c', code], {
      stdin: DEVNULL,
      stdout: PIPE,
      stderr: STDOUT,
      killGrace,
    })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    throw new Error('there is no python3 on this machine', { cause: error })
  }
  return outcomeOf(child, bench)
}

function wholeNumber(text: string): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`expected a whole number, got ${JSON.stringify(text)}`)
  return n
}
