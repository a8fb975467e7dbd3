import { finalStates, type JobFilter, type JobState } from '../jobs/job.ts'
import type { Directory } from './commands.ts'

/** How many jobs are searched, and then changed, in one step. */
const chunk = 1_000

/** How many milliseconds a cancelled job may take to end. */
const longestCancel = 10_000

type Parts = Pick<Directory, 'store' | 'scheduler'>

interface BulkAction {
  /** The states of the jobs that the action changes. */
  readonly states: readonly JobState[]
  /** Changes the jobs. Returns how many of them were changed. */
  readonly carryOut: (ids: readonly number[], parts: Parts) => Promise<number>
}

/** The actions for all jobs that match a filter. */
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

/** Carries out an action for all jobs that match a filter, the oldest first. Returns how many jobs were changed. */
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
