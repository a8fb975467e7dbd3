import { Actor, type ActorSystem } from '@tasktree/actor'
import type { Job } from '../jobs/job.ts'
import type { JobChange, JobFeed } from '../store/job-feed.ts'
import type { MetricsSummary, Sample, Spread, Tally } from './sample.ts'

/** How long a sample takes, in milliseconds, and how many are kept: five minutes. */
const sampleTime = 1_000
const keptSamples = 300

/** Of one sample: more times than this are sampled at random. */
const keptTimes = 1_000

/** Durations of one sample: all of them, or a fair choice when there are too many. */
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

const nothing = (): Tally => ({ added: 0, done: 0, failed: 0, cancelled: 0 })

/** Counts what happens to jobs, second by second, and how often each part of the tree was restarted. */
export class Metrics extends Actor {
  static override readonly interleave = ['since', 'summary']
  readonly #system: () => ActorSystem
  readonly #feed: JobFeed
  readonly #totals = nothing()
  readonly #samples: Sample[] = []
  readonly #restarts = new Map<string, number>()
  /** When the attempts that run began. */
  readonly #begun = new Map<number, number>()
  #current = nothing()
  #waited = new Times()
  #ran = new Times()

  constructor(system: () => ActorSystem, feed: JobFeed) {
    super()
    this.#system = system
    this.#feed = feed
  }

  protected override onStart(): void {
    const unexpected = (): never => {
      throw new Error('what happens cannot be followed any more')
    }
    // In pipes: they end with this incarnation, a kill included.
    this.ctx.pipe(async () => this.#followJobs(), unexpected)
    this.ctx.pipe(async () => this.#followTree(), unexpected)
    this.ctx.every(sampleTime, () => this.#sample())
  }

  /** The samples that ended after `at`, the oldest first. */
  since(at: number): Sample[] {
    const first = this.#samples.findIndex((sample) => sample.at > at)
    return first === -1 ? [] : this.#samples.slice(first)
  }

  summary(): MetricsSummary {
    const minute = this.#samples.slice(-60)
    return {
      totals: { ...this.#totals },
      perSecond: meanOf(this.#samples.slice(-10)),
      waited: worst(minute.map((sample) => sample.waited)),
      ran: worst(minute.map((sample) => sample.ran)),
      restarts: Object.fromEntries(this.#restarts),
    }
  }

  async #followJobs(): Promise<void> {
    using changes = this.#feed.subscribe()
    for await (const change of changes) this.#countJob(change)
  }

  async #followTree(): Promise<void> {
    using events = this.#system().events.subscribe()
    for await (const event of events) {
      if (event.type !== 'restarting') continue
      this.#restarts.set(event.path, (this.#restarts.get(event.path) ?? 0) + 1)
    }
  }

  #countJob(change: JobChange): void {
    if (change.type !== 'state') return
    const { job } = change
    if (job.state === 'running') {
      const now = Date.now()
      this.#begun.set(job.id, now)
      this.#waited.add(Math.max(0, now - Math.max(job.createdAt, job.notBefore)))
      return
    }
    const begun = this.#begun.get(job.id)
    if (begun !== undefined) {
      this.#begun.delete(job.id)
      this.#ran.add(Date.now() - begun)
    }
    const what = tallied(job)
    if (what === null) return
    this.#current[what]++
    this.#totals[what]++
  }

  #sample(): void {
    const [waited, ran] = [this.#waited.spread(), this.#ran.spread()]
    // Later than the one before, whatever has happened to the clock.
    const at = Math.max(Date.now(), (this.#samples.at(-1)?.at ?? 0) + 1)
    this.#samples.push({ at, ...this.#current, waited, ran })
    if (this.#samples.length > keptSamples) this.#samples.shift()
    this.#current = nothing()
    this.#waited = new Times()
    this.#ran = new Times()
  }
}

/** What a job's new state counts as; one that is queued again counts as nothing. */
function tallied(job: Job): keyof Tally | null {
  if (job.state === 'queued') return job.attempts === 0 ? 'added' : null
  return job.state === 'running' ? null : job.state
}

function meanOf(samples: Sample[]): Tally {
  const sum = nothing()
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
