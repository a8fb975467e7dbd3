import type { Job, JobState } from '../jobs/job.ts'
import type { KindLimits } from '../jobs/kind-limits.ts'
import type { Restart, Sample } from '../scheduling/sample.ts'

/** A job as the page's table shows it: long texts are cut. */
export type PageJob = Omit<Job, 'delay' | 'keep'>

export interface PageProgress {
  id: number
  done: number
  total: number
}

/** A part of the supervised tree. */
export interface PageNode {
  id: string
  path: string
  kind: string
  status: string
  restarts: number
  lastExit: string | null
  /** The number of messages that wait in the mailbox. */
  mailbox: number
  /** What the part does or waits for; empty when the part is idle. */
  activity: string
  children: PageNode[]
}

export type PageCounts = Record<JobState, number>

/** The part of the table of jobs that the browser shows at the moment. */
export interface PageTable {
  jobs: PageJob[]
  /** How many jobs in each state match the filter, if its own state is ignored. */
  counts: PageCounts
  /** How many jobs match the filter, on all pages of the table. */
  total: number
}

/** The settings that an operator can change. */
export interface PageControls {
  isAllPaused: boolean
  kinds: {
    name: string
    pool: string | null
    isPaused: boolean
    limits: KindLimits
  }[]
  schedules: {
    name: string
    spec: string
    zone: string | null
    kind: string
    payload: string
    nextAt: number | null
    lastAt: number | null
    lastJob: number | null
  }[]
}

/** The first event of a page's stream: `snapshot`. */
export interface PageSnapshot {
  /** The id of the server. If it changes, the server was restarted, and the token in the page is no longer valid. */
  server: string
  /** The name of this stream. The page sends it when it asks for the output of a job. */
  stream: string
  /** The kinds of jobs, each with the placeholder for an empty payload field. */
  kinds: Readonly<Record<string, string>>
  tree: PageNode
  counts: PageCounts
  /** The newest jobs. */
  jobs: PageJob[]
  progress: PageProgress[]
  samples: Sample[]
  restarts: Restart[]
}

/** The event `changes` of a page's stream. Each property that is present has changed. */
export interface PageChanges {
  tree?: PageNode
  counts?: PageCounts
  jobs?: PageJob[]
  /** The numbers of jobs that were deleted. */
  deleted?: number[]
  progress?: PageProgress[]
  samples?: Sample[]
  restarts?: Restart[]
}

/**
 * A part of the output of an attempt. In an event stream, the attempt is the latest of the job: the event `log` comes
 * first, and again when a later attempt begins; `output` adds text; `end` is the last event. A part is also the answer
 * to a request for the output of one attempt.
 */
export interface PageOutput {
  job: number
  attempt: number
  /** The beginning of the output; empty in the events `output` and `end`. */
  head: string
  /** How many bytes before `text` are left out, after `head` or after the events before. */
  omitted: number
  text: string
}
