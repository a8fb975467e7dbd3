import { PriorityQueue } from '@tasktree/sync'
import type { QueuedJob } from '../jobs/job.ts'

function compareJobs(a: QueuedJob, b: QueuedJob): number {
  return a.priority - b.priority || a.id - b.id
}

/** A priority queue whose first element can be read without removing it. */
class PeekQueue<T> {
  readonly #queue: PriorityQueue<T>
  #first: T | null = null

  constructor(compare: (a: T, b: T) => number) {
    this.#queue = new PriorityQueue<T>({ compare })
  }

  put(item: T): void {
    this.#queue.putNowait(item)
    if (this.#first === null) return
    this.#queue.putNowait(this.#first)
    this.#first = null
  }

  peek(): T | null {
    if (this.#first === null && !this.#queue.empty()) this.#first = this.#queue.getNowait()
    return this.#first
  }

  /** Removes the element that `peek` has returned. */
  shift(): void {
    this.#first = null
  }
}

/** The ready jobs of one group of a kind. Jobs without a group have a line of their own. */
class Line {
  readonly group: string | null
  readonly jobs = new PeekQueue<QueuedJob>(compareJobs)
  /** Whether no job of the group may begin at the moment. A blocked line is in no heap until `unblock` is called. */
  isBlocked = false
  /** The job with which the line is in the heap of its kind; null if the line is not in the heap. */
  listed: QueuedJob | null = null

  constructor(group: string | null) {
    this.group = group
  }
}

/** An entry of a kind's heap: a line, and the job that was the first of the line when the entry was made. */
interface Head {
  readonly job: QueuedJob
  readonly line: Line
}

/**
 * The ready jobs of one kind: a heap of lines, ordered by their first jobs. A heap cannot move an element, so a line
 * whose first job has changed gets another entry. The entry with its former first job is dropped when it becomes the
 * first of the heap. So finding the next job takes O(log n) for any number of groups.
 */
class Lane {
  readonly #lines = new Map<string | null, Line>()
  readonly #heads = new PeekQueue<Head>((a, b) => compareJobs(a.job, b.job))
  readonly #isWanted: (job: QueuedJob) => boolean

  /** Jobs that `isWanted` rejects are dropped when they are found. */
  constructor(isWanted: (job: QueuedJob) => boolean) {
    this.#isWanted = isWanted
  }

  put(job: QueuedJob): void {
    let line = this.#lines.get(job.group)
    if (line === undefined) {
      line = new Line(job.group)
      this.#lines.set(job.group, line)
    }
    line.jobs.put(job)
    this.#list(line)
  }

  /** Returns the entry of the next job that may begin. Lines of groups that `mayBegin` rejects become blocked. */
  peek(mayBegin: (group: string) => boolean): Head | null {
    for (;;) {
      const head = this.#heads.peek()
      if (head === null) return null
      const { line, job } = head
      if (!line.isBlocked && this.#firstOf(line) === job) {
        if (line.group === null || mayBegin(line.group)) return head
        line.isBlocked = true
      }
      this.#heads.shift()
      if (line.listed === job) line.listed = null
      this.#list(line)
    }
  }

  /** Removes the job that `peek` has returned. */
  take({ line }: Head): void {
    line.jobs.shift()
    this.#heads.shift()
    line.listed = null
    this.#list(line)
  }

  unblock(group: string): void {
    const line = this.#lines.get(group)
    if (line === undefined || !line.isBlocked) return
    line.isBlocked = false
    this.#list(line)
  }

  unblockAll(): void {
    for (const line of this.#lines.values())
      if (line.isBlocked) {
        line.isBlocked = false
        this.#list(line)
      }
  }

  /** Adds an entry for the first job of a line to the heap, unless there is one. An empty line is forgotten. */
  #list(line: Line): void {
    const first = this.#firstOf(line)
    if (first === null) {
      // An old entry of the heap may have an earlier line of this group. Only the current line is deleted.
      if (this.#lines.get(line.group) === line) this.#lines.delete(line.group)
    } else if (!line.isBlocked && line.listed !== first) {
      line.listed = first
      this.#heads.put({ job: first, line })
    }
  }

  #firstOf({ jobs }: Line): QueuedJob | null {
    for (;;) {
      const job = jobs.peek()
      if (job === null || this.#isWanted(job)) return job
      jobs.shift()
    }
  }
}

/** Says which kinds and groups may begin jobs at the moment. */
export interface Openings {
  kind(kind: string): boolean
  group(kind: string, group: string): boolean
}

/**
 * The jobs that wait for a worker and for nothing else, by priority and then by age. Jobs of kinds and groups that have
 * reached a limit are passed over.
 */
export class ReadyJobs {
  readonly #lanes = new Map<string, Lane>()
  readonly #isWanted: (job: QueuedJob) => boolean
  #size = 0

  /** `isWanted` returns false for a job that was cancelled. */
  constructor(isWanted: (job: QueuedJob) => boolean) {
    this.#isWanted = (job) => {
      const isStill = isWanted(job)
      if (!isStill) this.#size--
      return isStill
    }
  }

  /** How many jobs there are, including cancelled ones that were not dropped yet. */
  get size(): number {
    return this.#size
  }

  put(job: QueuedJob): void {
    let lane = this.#lanes.get(job.kind)
    if (lane === undefined) {
      lane = new Lane(this.#isWanted)
      this.#lanes.set(job.kind, lane)
    }
    this.#size++
    lane.put(job)
  }

  /** Takes the next job that may begin; null if there is none. */
  take(openings: Openings): QueuedJob | null {
    let best: { head: Head; lane: Lane } | null = null
    for (const [kind, lane] of this.#lanes) {
      if (!openings.kind(kind)) continue
      const head = lane.peek((group) => openings.group(kind, group))
      if (head !== null && (best === null || compareJobs(head.job, best.head.job) < 0))
        best = { head, lane }
    }
    if (best === null) return null
    best.lane.take(best.head)
    this.#size--
    return best.head.job
  }

  /** Called when jobs of the group may begin again. */
  unblock(kind: string, group: string): void {
    this.#lanes.get(kind)?.unblock(group)
  }

  /** Called when the limits of the kind have changed. After this call `peek` checks every group of the kind again. */
  unblockAll(kind: string): void {
    this.#lanes.get(kind)?.unblockAll()
  }
}
