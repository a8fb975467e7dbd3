import { type LocalActorRef, ActorSystem, child, silentLogger } from '@tasktree/actor'
import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import type { Job, JobState } from '../src/jobs/job.ts'
import { JobFeed } from '../src/store/job-feed.ts'
import { History } from '../src/scheduling/history.ts'
import { Metrics } from '../src/scheduling/metrics.ts'
import { PrometheusMetrics } from '../src/scheduling/prometheus.ts'
import { makeJob } from './support/job-records.ts'

function job(id: number, state: JobState, change: Partial<Job> = {}): Job {
  const now = Date.now()
  const attempts = state === 'queued' ? 0 : 1
  return makeJob(id, { state, attempts, createdAt: now, notBefore: now, ...change })
}

/** Runs `body` in virtual time with an actor `metrics` that follows a feed. */
function withMetrics(
  body: (metrics: LocalActorRef<Metrics>, feed: JobFeed, system: ActorSystem) => Promise<void>,
): Promise<void> {
  return runVirtual(async () => {
    const feed = new JobFeed()
    await using system = await ActorSystem.start({
      name: 'test',
      logger: silentLogger,
      children: [],
    })
    const history = new History()
    const prometheus = new PrometheusMetrics(history)
    const following = createTask(() => history.follow(system))
    using _ = { [Symbol.dispose]: () => void following.cancel() }
    await system.root.startChild(child.actor('metrics', Metrics, [history, prometheus, feed]))
    // After this sleep the actor follows the feed.
    await sleep(1)
    await body(
      system.lookup<LocalActorRef<Metrics>>('metrics') as LocalActorRef<Metrics>,
      feed,
      system,
    )
  })
}

const publish = (feed: JobFeed, ...jobs: Job[]): void => {
  for (const each of jobs) feed.publish({ type: 'state', job: each })
}

test('the metrics have a sample for each second with the jobs that were added and ended in it', () =>
  withMetrics(async (metrics, feed) => {
    publish(feed, job(1, 'queued'), job(2, 'queued'), job(1, 'done'))
    feed.publish({ type: 'state', job: job(1, 'running'), waited: 3 })
    await sleep(1_000)
    publish(feed, job(2, 'running'), job(2, 'failed'), job(3, 'cancelled'))
    await sleep(1_000)
    const samples = await metrics.ask.since(0)
    expect(samples).toMatchObject([
      { added: 2, done: 1, failed: 0, cancelled: 0 },
      { added: 0, done: 0, failed: 1, cancelled: 1 },
    ])
    expect(samples[0]?.waited).not.toBeNull()
    expect(await metrics.ask.since(samples[0]?.n ?? 0)).toEqual(samples.slice(1))
    expect(await metrics.ask.summary()).toMatchObject({
      totals: { added: 2, done: 1, failed: 1, cancelled: 1 },
      perSecond: { added: 1, done: 0.5, failed: 0.5, cancelled: 0.5 },
    })
  }))

test('the metrics do not count a job that is queued again as added', () =>
  withMetrics(async (metrics, feed) => {
    publish(feed, job(1, 'queued'), job(1, 'running'), job(1, 'queued', { attempts: 1 }))
    await sleep(1_000)
    expect(await metrics.ask.since(0)).toMatchObject([{ added: 1, done: 0, failed: 0 }])
  }))

test('the metrics use the waiting and running times that the scheduler has measured', () =>
  withMetrics(async (metrics, feed) => {
    feed.publish({ type: 'state', job: job(1, 'running', { createdAt: 0 }), waited: 2_000 })
    feed.publish({ type: 'state', job: job(1, 'done'), ran: 70 })
    await sleep(1_000)
    const { waited, ran } = await metrics.ask.summary()
    expect(waited).toEqual({ median: 2_000, p95: 2_000 })
    expect(ran).toEqual({ median: 70, p95: 70 })
  }))

test('the metrics keep the samples of five minutes', () =>
  withMetrics(async (metrics) => {
    await sleep(400_000)
    expect(await metrics.ask.since(0)).toHaveLength(300)
  }))

test('the metrics count restarts by path, and keep their counts when they are killed', () =>
  withMetrics(async (metrics, feed, system) => {
    await system.root.startChild(child.resource('pool', () => new AsyncDisposableStack()))
    for (let i = 0; i < 2; i++) {
      await system.lookup('pool')?.kill()
      await sleep(10)
    }
    expect((await metrics.ask.summary()).restarts).toEqual({ '/test/pool': 2 })
    publish(feed, job(1, 'queued'))
    await metrics.kill()
    await sleep(10)
    publish(feed, job(2, 'queued'))
    await sleep(1_000)
    const { totals, restarts } = await metrics.ask.summary()
    expect(totals.added).toBe(2)
    expect(restarts).toEqual({ '/test/pool': 2, '/test/metrics': 1 })
  }))
