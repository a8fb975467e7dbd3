import { Actor } from '@tasktree/actor'
import type { Job } from '../jobs/job.ts'
import type { JobChange, JobFeed } from '../store/job-feed.ts'
import { type History, noTally } from './history.ts'
import type { PrometheusMetrics } from './prometheus.ts'
import type { MetricsSummary, Sample, Spread, Tally } from './sample.ts'

/** The time of one sample, in milliseconds. */
const sampleTime = 1_000

/** At most this many durations of one sample are kept. Of more durations, a random choice is kept. */
const keptTimes = 1_000

/** The durations of one sample, or a uniform random choice of them if there are too many. */
class Times {
  readonly #kept: number[] = []
  #seen = 0

  add(ms: number): void {
    this.#seen++
    if (this.#kept.length < keptTimes) {
      this.#kept.push(ms)
      return
    }
    const at = Math.floor(Math.random() * this.#seen)
    if (at < keptTimes) this.#kept[at] = ms
  }

  spread(): Spread | null {
    const sorted = this.#kept.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] as number
    return sorted.length === 0 ? null : { median: at(0.5), p95: at(0.95) }
  }
}

/** Counts the changes of all jobs, and makes a sample of them each second. */
export class Metrics extends Actor {
  static override readonly interleave = ['since', 'summary']
  readonly #history: History
  readonly #prometheus: PrometheusMetrics
  readonly #feed: JobFeed
  #current = noTally()
  #waited = new Times()
  #ran = new Times()

  constructor(history: History, prometheus: PrometheusMetrics, feed: JobFeed) {
    super()
    this.#history = history
    this.#prometheus = prometheus
    this.#feed = feed
  }

  protected override onStart(): void {
    const unexpected = (): never => {
      throw new Error('what happens cannot be followed any more')
    }
    // A pipe of the actor ends when the actor ends, even if the actor is killed.
    this.ctx.pipe(async () => this.#followJobs(), unexpected)
    this.ctx.every(sampleTime, () => this.#sample())
  }

  /** Returns the samples with a number greater than `n`, the oldest first. */
  since(n: number): Sample[] {
    return this.#history.samplesSince(n)
  }

  summary(): MetricsSummary {
    const minute = this.#history.latestSamples(60)
    return {
      totals: { ...this.#history.totals },
      perSecond: meanOf(minute.slice(-10)),
      waited: worst(minute.map((sample) => sample.waited)),
      ran: worst(minute.map((sample) => sample.ran)),
      restarts: Object.fromEntries(this.#history.restartCounts),
    }
  }

  async #followJobs(): Promise<void> {
    using changes = this.#feed.subscribe()
    for await (const change of changes) this.#countJob(change)
  }

  #countJob(change: JobChange): void {
    if (change.type !== 'state') return
    const { job, waited, ran } = change
    if (waited !== undefined) {
      this.#waited.add(waited)
      this.#prometheus.observeWait(waited)
    }
    if (ran !== undefined) {
      this.#ran.add(ran)
      this.#prometheus.observeRun(ran)
    }
    const what = tallied(job)
    if (what === null) return
    this.#current[what]++
    this.#history.totals[what]++
  }

  #sample(): void {
    const [waited, ran] = [this.#waited.spread(), this.#ran.spread()]
    this.#history.add({ at: Date.now(), ...this.#current, waited, ran })
    this.#current = noTally()
    this.#waited = new Times()
    this.#ran = new Times()
  }
}

/** Returns the counter for a job's new state; null for a job that is queued again or begins. */
function tallied(job: Job): keyof Tally | null {
  if (job.state === 'queued') return job.attempts === 0 ? 'added' : null
  return job.state === 'running' ? null : job.state
}

function meanOf(samples: Sample[]): Tally {
  const sum = noTally()
  for (const sample of samples)
    for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += sample[key] / samples.length
  return sum
}

function worst(spreads: (Spread | null)[]): Spread | null {
  const known = spreads.filter((spread) => spread !== null)
  if (known.length === 0) return null
  return {
    median: Math.max(...known.map((spread) => spread.median)),
    p95: Math.max(...known.map((spread) => spread.p95)),
  }
}
