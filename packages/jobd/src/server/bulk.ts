import { finalStates, type JobFilter, type JobState } from '../jobs/job.ts'
import type { Directory } from './commands.ts'

/** How many jobs are looked up, and dealt with, at a time. */
const chunk = 1_000

/** How long the work of a cancelled job may take to end, in milliseconds. */
const longestCancel = 10_000

type Parts = Pick<Directory, 'store' | 'scheduler'>

interface BulkAction {
  /** The action leaves jobs in other states alone. */
  readonly states: readonly JobState[]
  /** Answers with how many of the jobs it was done to. */
  readonly carryOut: (ids: readonly number[], parts: Parts) => Promise<number>
}

/** What can be done to all jobs that a filter leaves. */
export const bulkActions = {
  RETRY: {
    states: ['failed', 'cancelled'],
    carryOut: (ids, parts) => reviveAll(ids, ['failed', 'cancelled'], parts),
  },
  REQUEUE: {
    states: [...finalStates],
    carryOut: (ids, parts) => reviveAll(ids, [...finalStates], parts),
  },
  CANCEL: {
    states: ['queued', 'running'],
    carryOut: async (ids, { scheduler }) => {
      const ask = scheduler.ask({ timeout: longestCancel })
      const jobs = await Promise.all(ids.map((id) => ask.cancel(id)))
      return jobs.filter((job) => job?.state === 'cancelled').length
    },
  },
  DELETE: {
    states: [...finalStates],
    carryOut: async (ids, { store }) => (await store.ask.delete(ids)).length,
  },
} as const satisfies Record<string, BulkAction>

async function reviveAll(
  ids: readonly number[],
  states: readonly JobState[],
  { scheduler }: Parts,
): Promise<number> {
  const revivals = await Promise.all(ids.map((id) => scheduler.ask.revive(id, states)))
  return revivals.filter(({ job }) => job !== null).length
}

/** Does something to all jobs that a filter leaves, the oldest first; answers with how many jobs that were. */
export async function carryOutAll(
  name: keyof typeof bulkActions,
  filter: JobFilter,
  parts: Parts,
): Promise<number> {
  const action: BulkAction = bulkActions[name]
  const states =
    filter.state === undefined
      ? action.states
      : action.states.filter((state) => state === filter.state)
  let [count, last] = [0, 0]
  while (states.length > 0) {
    const ids = await parts.store.ask.matching(filter, states, last, chunk)
    if (ids.length === 0) break
    count += await action.carryOut(ids, parts)
    last = ids.at(-1) ?? last
  }
  return count
}
