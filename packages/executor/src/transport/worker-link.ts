import type { Transferable } from 'node:worker_threads'
import type { FromWorker, ToWorker } from './protocol.ts'

/** How a worker ended. */
export interface WorkerExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** What it died of, when it could say. */
  readonly error: unknown
}

export interface WorkerListener {
  onMessage(message: FromWorker): void
  /** Once, after its last message. */
  onExit(exit: WorkerExit): void
}

/** A pool's hold on one worker thread or process. */
export interface WorkerLink {
  /** @throws what the transport throws for a value it cannot carry; nothing has been sent then */
  post(message: ToWorker, transferList: readonly Transferable[]): void
  /** Finds out whether a value can be sent. @throws when it cannot */
  tryClone(value: unknown): void
  /** Whether it keeps the process alive. */
  hold(on: boolean): void
  kill(): void
  /**
   * Takes back the jobs up to `lastSent` that have not started, and says which one has started last;
   * null when the answer comes later, as a message.
   */
  recall(lastSent: number): number | null
  /** The running job is to stop; for code that lets no messages in. */
  markCancelled(seq: number): void
  /** The last job that has started, as far as can be seen from here; null when it tells so itself. */
  lastStarted(): number | null
}

/** Starts a worker. */
export type StartWorker = (id: number, listener: WorkerListener) => WorkerLink

/** How many jobs may be ahead of the running one when they are short. */
export interface WorkerKind {
  readonly start: StartWorker
  readonly maxAhead: number
}

/** The file that workers run: the source beside this source, or the build beside this build. */
export const workerEntry: URL = new URL(
  import.meta.url.endsWith('.ts') ? '../worker-entry.ts' : './worker-entry.js',
  import.meta.url,
)
