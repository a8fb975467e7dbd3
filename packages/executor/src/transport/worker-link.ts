import type { Transferable } from 'node:worker_threads'
import { assertCarriable, type Medium } from '../jobs/carriable.ts'
import { type ControlMessage, type FromWorker, isSingle, type JobsMessage } from './protocol.ts'

/** How a worker ended. */
export interface WorkerExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The error that ended it, undefined when it is not known. */
  readonly error: unknown
}

export interface WorkerListener {
  onMessage(message: FromWorker): void
  /**
   * The worker has sent a message that cannot be decoded here. A worker runs one job at a time and its messages
   * keep their order, so the message belongs to the first of its jobs that has not ended. For that job,
   * `findNext(seq)` returns null while its code runs, and then the job that has begun after it, or 0.
   */
  onUnreadable(why: unknown, findNext: (seq: number) => number | null): void
  /** Called once, after the worker's last message. */
  onExit(exit: WorkerExit): void
}

/** A pool's connection to one worker thread or process. */
export interface WorkerLink {
  /** @throws what the transport throws for a value that it cannot carry; nothing has been sent then */
  sendJobs(message: JobsMessage, transferList: readonly Transferable[]): void
  sendControl(message: ControlMessage): void
  /** Finds out whether a value can be sent. @throws when it cannot */
  tryClone(value: unknown, transferList: readonly Transferable[]): void
  /** Sets whether the worker keeps this process alive. */
  hold(on: boolean): void
  /** Ends the worker at once, whatever it does. */
  kill(): void
  /**
   * Takes back the jobs up to `lastSent` that have not started, and returns the last job that has. Returns null
   * when the answer comes later, as a message.
   */
  recall(lastSent: number): number | null
  /** Tells job `seq` to stop, even if its code lets no messages in. */
  markCancelled(seq: number): void
  /** The last job that has started, as far as it can be seen from here; null when the worker announces its jobs. */
  lastStarted(): number | null
}

/** Starts a worker. */
export type StartWorker = (id: number, listener: WorkerListener) => WorkerLink

/** Where the arguments begin in a SingleJobMessage. */
const firstArgument = 4

/** @throws when a value of the caller in `message` would arrive empty */
export function assertMessageCarriable(
  message: JobsMessage,
  medium: Medium,
  moved: readonly Transferable[],
): void {
  if ('type' in message) {
    if (message.type === 'init') assertCarriable(message.args, medium, moved)
  } else if (isSingle(message)) {
    for (let i = firstArgument; i < message.length; i++) assertCarriable(message[i], medium, moved)
  } else {
    for (const [, , args] of message) assertCarriable(args, medium, moved)
  }
}
