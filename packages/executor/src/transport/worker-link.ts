import type { Transferable } from 'node:worker_threads'
import { assertCarriable, type Medium } from '../jobs/carriable.ts'
import {
  type ControlMessage,
  type FromWorker,
  isSingle,
  isTuple,
  type JobsMessage,
} from './protocol.ts'

/** How a worker ended. */
export interface WorkerExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The error that ended the worker; undefined when there is none or it is not known. */
  readonly error: unknown
}

export interface WorkerListener {
  onMessage(message: FromWorker): void
  /**
   * Called when the worker has sent a message that cannot be decoded here. A worker runs one job at a time and its
   * messages keep their order, so the message belongs to the first of its jobs that has not ended. For that job,
   * `findNext(seq)` returns null while the code of the job runs. After the job's end it returns the number of the job
   * that began next, or 0.
   */
  onUnreadable(why: unknown, findNext: (seq: number) => number | null): void
  /** Called once, after the worker's last message. */
  onExit(exit: WorkerExit): void
}

/** A pool's connection to one worker thread or process. */
export interface WorkerLink {
  /** Sends a message of jobs. @throws when a value in the message cannot be sent; then nothing was sent */
  sendJobs(message: JobsMessage, transferList: readonly Transferable[]): void
  sendControl(message: ControlMessage): void
  /** Checks whether a value can be sent. @throws when it cannot */
  tryClone(value: unknown, transferList: readonly Transferable[]): void
  /** Sets whether the worker keeps this process alive. */
  hold(on: boolean): void
  /** Ends the worker at once, even while a job runs. */
  kill(): void
  /**
   * Takes back the jobs up to `lastSent` that have not started. Returns the number of the last job that has started, or
   * null when the answer will come as a message.
   */
  recall(lastSent: number): number | null
  /** Marks job `seq` as cancelled in memory that the job can read, even if its code never gives up the thread. */
  markCancelled(seq: number): void
  /**
   * Returns the number of the last job that has started. Returns null when this cannot be read here, because the worker
   * announces its starts by messages.
   */
  lastStarted(): number | null
}

/** Starts a worker and returns the connection to it. */
export type StartWorker = (id: number, listener: WorkerListener) => WorkerLink

/** The index of the first argument in a SingleJobMessage. */
const firstArgument = 4

/** Checks the caller's values in `message`. @throws when a value would arrive empty */
export function assertMessageCarriable(
  message: JobsMessage,
  medium: Medium,
  moved: readonly Transferable[],
): void {
  if (!isTuple(message)) {
    if (message.type === 'init') assertCarriable(message.args, medium, moved)
  } else if (isSingle(message)) {
    for (let i = firstArgument; i < message.length; i++) assertCarriable(message[i], medium, moved)
  } else {
    for (const [, , args] of message) assertCarriable(args, medium, moved)
  }
}
