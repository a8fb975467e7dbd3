import { PriorityQueue } from '@tasktree/sync'
import type { QueuedJob } from '../jobs/job.ts'

/** A line of one kind's jobs, whose first can be looked at. */
class Line {
  readonly #queue = new PriorityQueue<QueuedJob>({
    compare: (a, b) => a.priority - b.priority || a.id - b.id,
  })
  #first: QueuedJob | null = null

  get size(): number {
    return this.#queue.qsize() + (this.#first === null ? 0 : 1)
  }

  put(job: QueuedJob): void {
    this.#queue.putNowait(job)
    if (this.#first === null) return
    this.#queue.putNowait(this.#first)
    this.#first = null
  }

  /** The first that `isWanted`; others in front of it are dropped. */
  peek(isWanted: (job: QueuedJob) => boolean): QueuedJob | null {
    while (this.#first === null || !isWanted(this.#first)) {
      if (this.#queue.empty()) {
        this.#first = null
        return null
      }
      this.#first = this.#queue.getNowait()
    }
    return this.#first
  }

  shift(): void {
    this.#first = null
  }
}

/** Jobs that could begin, by priority and then by age; a kind that is at its capacity is passed over. */
export class ReadyJobs {
  readonly #lines = new Map<string, Line>()

  /** How many are in line, wanted or not. */
  get size(): number {
    let size = 0
    for (const line of this.#lines.values()) size += line.size
    return size
  }

  put(job: QueuedJob): void {
    let line = this.#lines.get(job.kind)
    if (line === undefined) {
      line = new Line()
      this.#lines.set(job.kind, line)
    }
    line.put(job)
  }

  /** The next job of a kind that `mayBegin`. Jobs that `isWanted` rejects are dropped on the way. */
  take(
    mayBegin: (kind: string) => boolean,
    isWanted: (job: QueuedJob) => boolean,
  ): QueuedJob | null {
    let best: { job: QueuedJob; line: Line } | null = null
    for (const [kind, line] of this.#lines) {
      if (!mayBegin(kind)) continue
      const job = line.peek(isWanted)
      if (job === null) continue
      const order = best === null ? -1 : job.priority - best.job.priority || job.id - best.job.id
      if (order < 0) best = { job, line }
    }
    best?.line.shift()
    return best?.job ?? null
  }
}
