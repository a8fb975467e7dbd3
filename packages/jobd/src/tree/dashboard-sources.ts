import type { PageControls } from '../dashboard/page-events.ts'
import type { LiveSources } from '../dashboard/live-view.ts'
import { cut } from '../dashboard/page-viewer.ts'
import type { KindLimits } from '../jobs/kind-limits.ts'
import type { History } from '../scheduling/history.ts'
import { everyKind } from '../scheduling/pauses.ts'
import type { PrometheusMetrics } from '../scheduling/prometheus.ts'
import { type Directory, execute } from '../server/commands.ts'
import { isPassing } from '../server/passing-errors.ts'
import type { JobFeed } from '../store/job-feed.ts'

/** A part of the server that does not answer within this many milliseconds is not ready. */
const longestReady = 2_000

/** Returns what the dashboard needs to show the server, and to pass commands to it. */
export function dashboardSources(
  directory: Directory,
  feed: JobFeed,
  history: History,
  prometheus: PrometheusMetrics,
): LiveSources {
  return {
    system: directory.system,
    store: directory.store,
    kinds: directory.kinds,
    feed,
    history,
    audit: directory.audit,
    command: async (words, sender) =>
      execute(words, directory, {
        version: 3,
        closing: false,
        isSubscribed: false,
        waits: null,
        ...sender,
      }),
    prometheus: async () => {
      const { store, scheduler } = directory
      const [counts, queues] = await Promise.all([store.ask.counts(), scheduler.ask.statistics()])
      return {
        type: prometheus.contentType,
        text: await prometheus.text({ counts, ...queues }),
      }
    },
    controls: () => readControls(directory),
    unready: () => findProblem(directory),
  }
}

async function readControls({ scheduler, schedules, kinds }: Directory): Promise<PageControls> {
  const [{ paused }, list, limits] = await Promise.all([
    scheduler.ask.statistics(),
    schedules.ask.list(),
    Promise.all(kinds.names.map((name) => scheduler.ask.limitsOf(name))),
  ])
  const isAllPaused = paused.includes(everyKind)
  return {
    isAllPaused,
    kinds: kinds.names.map((name, i) => ({
      name,
      pool: kinds.get(name)?.pool ?? null,
      isPaused: isAllPaused || paused.includes(name),
      limits: limits[i] as KindLimits,
    })),
    schedules: list.map(({ name, spec, zone, request, nextAt, lastAt, lastJob }) => ({
      name,
      spec,
      zone,
      kind: request.kind,
      payload: cut(request.payload),
      nextAt,
      lastAt,
      lastJob,
    })),
  }
}

/** Returns the reason why the server cannot accept jobs; null if it can. */
async function findProblem({ system, store, scheduler }: Directory): Promise<string | null> {
  try {
    await store.ask({ timeout: longestReady }).counts()
    await scheduler.ask({ timeout: longestReady }).statistics()
    return system.lookup('listener')?.status === 'running' ? null : 'the listener is not running'
  } catch (error) {
    if (isPassing(error)) return error.message
    throw error
  }
}
