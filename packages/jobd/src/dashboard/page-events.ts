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
  /** What it does or waits for; empty when it is idle. */
  activity: string
  children: PageNode[]
}

export type PageCounts = Record<JobState, number>

/** The part of the table of jobs that the browser shows at the moment. */
export interface PageTable {
  jobs: PageJob[]
  /** How many jobs the filter leaves in each state, whichever state is chosen. */
  counts: PageCounts
  /** How many jobs there are on all pages. */
  total: number
}

/** What an operator can change. */
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
  /** When this changes, the server was started anew, and the token in the page is no longer valid. */
  server: string
  /** The name of this stream, by which the page says which jobs' output it is to carry. */
  stream: string
  /** The kinds of jobs, each with what an empty field for its payload shows. */
  kinds: Readonly<Record<string, string>>
  tree: PageNode
  counts: PageCounts
  /** The newest jobs. */
  jobs: PageJob[]
  progress: PageProgress[]
  samples: Sample[]
  restarts: Restart[]
}

/** Every later event, `changes`: each property that is present has changed. */
export interface PageChanges {
  tree?: PageNode
  counts?: PageCounts
  jobs?: PageJob[]
  /** The numbers of jobs that are no longer there. */
  deleted?: number[]
  progress?: PageProgress[]
  samples?: Sample[]
  restarts?: Restart[]
}

/**
 * An event of the output of a job's latest attempt: `log` comes first, and again when a later attempt begins; `output`
 * adds to it; `end` is the last.
 */
export interface PageOutput {
  job: number
  attempt: number
  /** The beginning of the output; empty in every event but `log`. */
  head: string
  /** Bytes between `head`, or what came before, and `text` that are not shown. */
  omitted: number
  text: string
}
