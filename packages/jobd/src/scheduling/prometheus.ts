import { Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import { type JobState, jobStates } from '../jobs/job.ts'
import type { History } from './history.ts'

/** The bounds of the histograms, in seconds: from 1 ms to 2 hours. */
const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1_800, 7_200]

/** Current values that the parts of the tree must be asked for. */
export interface CurrentFacts {
  counts: Readonly<Record<JobState, number>>
  ready: number
  waiters: number
  paused: readonly string[]
}

/** The measurements of the server for Prometheus. This object outlives the actors that use it. */
export class PrometheusMetrics {
  readonly #registry = new Registry()
  readonly #waited: Histogram
  readonly #ran: Histogram
  readonly #jobs: Gauge<'state'>
  readonly #ready: Gauge
  readonly #waiters: Gauge
  readonly #paused: Gauge<'kind'>
  readonly #events: Counter<'event'>
  readonly #restarts: Counter<'part'>
  readonly #history: History

  constructor(history: History) {
    this.#history = history
    const registers = [this.#registry]
    this.#waited = new Histogram({
      name: 'jobd_job_wait_seconds',
      help: 'From when a job could begin to when it did.',
      buckets,
      registers,
    })
    this.#ran = new Histogram({
      name: 'jobd_attempt_duration_seconds',
      help: 'How long attempts took, whatever they came to.',
      buckets,
      registers,
    })
    this.#jobs = new Gauge({
      name: 'jobd_jobs',
      help: 'Jobs in the file, by state.',
      labelNames: ['state'],
      registers,
    })
    this.#ready = new Gauge({
      name: 'jobd_ready_jobs',
      help: 'Jobs that could begin now and wait for a worker.',
      registers,
    })
    this.#waiters = new Gauge({
      name: 'jobd_waiters',
      help: 'Clients that wait for the end of a job.',
      registers,
    })
    this.#paused = new Gauge({
      name: 'jobd_paused',
      help: '1 for each paused kind of job; the kind * stands for every kind.',
      labelNames: ['kind'],
      registers,
    })
    this.#events = new Counter({
      name: 'jobd_jobs_total',
      help: 'What happened to jobs since the server started.',
      labelNames: ['event'],
      registers,
    })
    this.#restarts = new Counter({
      name: 'jobd_restarts_total',
      help: 'Restarts of the parts of the supervised tree.',
      labelNames: ['part'],
      registers,
    })
    for (const metric of processMetrics()) this.#registry.registerMetric(metric)
  }

  /** Called when a job begins that has waited for this many milliseconds. */
  observeWait(ms: number): void {
    this.#waited.observe(ms / 1_000)
  }

  /** Called when an attempt has ended after this many milliseconds. */
  observeRun(ms: number): void {
    this.#ran.observe(ms / 1_000)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text({ counts, ready, waiters, paused }: CurrentFacts): Promise<string> {
    for (const state of jobStates) this.#jobs.set({ state }, counts[state])
    this.#ready.set(ready)
    this.#waiters.set(waiters)
    this.#paused.reset()
    for (const kind of paused) this.#paused.set({ kind }, 1)
    this.#events.reset()
    for (const [event, n] of Object.entries(this.#history.totals)) this.#events.inc({ event }, n)
    this.#restarts.reset()
    for (const [part, n] of this.#history.restartCounts) this.#restarts.inc({ part }, n)
    return this.#registry.metrics()
  }
}

/**
 * Returns metrics of the process. The default metrics of prom-client are not used, because their observers would stay
 * after the end of the server.
 */
function processMetrics(): Metric[] {
  const registers: Registry[] = []
  return [
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
      registers,
      collect() {
        this.set(process.memoryUsage.rss())
      },
    }),
    new Gauge({
      name: 'process_start_time_seconds',
      help: 'When the process started, in seconds since 1970.',
      registers,
      collect() {
        this.set(Math.round(Date.now() / 1_000 - process.uptime()))
      },
    }),
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time that the process has used.',
      registers,
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / 1e6)
      },
    }),
  ]
}
