import { createTask } from '@tasktree/core'
import { reportProgress, workerSignal } from '@tasktree/executor'
import { isKinds, type JobContext, type Kind } from './kind.ts'
import { makeReporters } from './reporters.ts'
import { Steps } from './steps.ts'
import { storeResult, type StoredResult } from './stored-value.ts'

/** The data of an attempt that are sent to a worker of a pool. */
export interface AttemptFacts extends Pick<
  JobContext,
  'id' | 'kind' | 'attempt' | 'idempotencyKey' | 'scheduledAt'
> {
  payload: string
  /** The results of the steps that earlier attempts committed. */
  steps: readonly (readonly [name: string, text: string])[]
}

/** A message from a worker of a pool to the server while the job runs. */
export type WorkerReport =
  | { progress: readonly [done: number, total: number] }
  | { output: string }
  | { step: readonly [name: string, text: string] }

/**
 * Whether `value` is a `WorkerReport`. The code of a job may also report values of another form to the executor. These
 * are ignored.
 */
export function isWorkerReport(value: unknown): value is WorkerReport {
  if (typeof value !== 'object' || value === null) return false
  const { progress, output, step } = value as Record<string, unknown>
  const isPair = (pair: unknown, type: 'number' | 'string'): boolean =>
    Array.isArray(pair) && pair.length === 2 && pair.every((each) => typeof each === type)
  return typeof output === 'string' || isPair(progress, 'number') || isPair(step, 'string')
}

/** Runs a job of a user's kind in a worker of a pool. The worker imports the user's module itself. */
export async function runKind(url: string, facts: AttemptFacts): Promise<StoredResult> {
  const { payload, steps, ...known } = facts
  const module = (await import(url)) as { default?: unknown }
  const kind: Kind<unknown> | undefined = isKinds(module.default)
    ? module.default[facts.kind]
    : undefined
  if (kind === undefined) throw new Error(`${url} has no kind '${facts.kind}' any more`)
  const signal = workerSignal()
  const report = (value: WorkerReport): void => reportProgress(value)
  const ctx: JobContext = {
    ...known,
    get pools(): never {
      throw new Error(`the kind ${facts.kind} runs in a pool: there it has no ctx.pools`)
    },
    ...makeReporters(
      (done, total) => report({ progress: [done, total] }),
      (text) => report({ output: text }),
    ),
    step: new Steps(
      steps,
      (name, text) => report({ step: [name, text] }),
      // The signal is aborted by a cancel, which also comes when the attempt is lost.
      () => signal.aborted,
    ).run,
  }
  // The kind runs in a task, so that a cancel interrupts its awaits.
  const task = createTask(async () =>
    kind.run(kind.parse === undefined ? payload : kind.parse(payload), ctx),
  )
  const cancel = (): void => void task.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return storeResult(await task)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
