import type { Job, JobState } from '../jobs/job.ts'
import type { Sample } from '../scheduling/sample.ts'

/** A job as the page's table shows it: long texts are cut. */
export type PageJob = Omit<Job, 'delay'>

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
  /** Messages that wait. */
  mailbox: number
  /** What it does or waits for; empty when it is idle. */
  activity: string
  children: PageNode[]
}

/** A part of the tree that ended and is started again. */
export interface PageRestart {
  path: string
  reason: string
}

export type PageCounts = Record<JobState, number>

/** The first event of a page's stream: `snapshot`. */
export interface PageSnapshot {
  /** Another one: the server was started anew, and the page's token is of the one before. */
  server: string
  kinds: readonly string[]
  tree: PageNode
  counts: PageCounts
  /** The latest ones. */
  jobs: PageJob[]
  progress: PageProgress[]
  samples: Sample[]
}

/** Every later one, `changes`: what is there has changed. */
export interface PageChanges {
  tree?: PageNode
  counts?: PageCounts
  jobs?: PageJob[]
  progress?: PageProgress[]
  samples?: Sample[]
  restarts?: PageRestart[]
}

/** An event of one job's output: `log` comes first, `output` adds to it, `end` is the last. */
export interface PageOutput {
  text: string
  /** Characters before `text` that are not shown. */
  omitted: number
}
