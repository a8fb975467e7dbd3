import { isCancelled, RuntimeError, type Task } from '@tasktree/core'
import { afterDelay, createServiceTask, hasFailed, observe } from '@tasktree/core/lowlevel'
import { ConnectionResetError, OSError, StreamReader, StreamWriter } from '@tasktree/streams'
import type { Socket } from 'node:net'
import { DRAIN_GRACE } from './held-pipe.ts'
import { OneShotEvent } from './one-shot-event.ts'
import type { SpawnOptions } from './options.ts'
import { reportUnlessAwaited } from './unawaited.ts'

interface Copy {
  readonly task: Task<void>
  /** Happens when the task has ended. */
  readonly ended: OneShotEvent
  /** Withdraws the report of a failure of the task. */
  takeBackReport: () => void
}

/** The tasks that copy between a process and the caller's own readers and writers. */
export class StdioCopies {
  readonly #process: object
  readonly #child: CopiedChild
  readonly #copies: Copy[] = []
  /** Whether a caller has got the failure of a copy. Then no other failure of this process is reported. */
  #hasThrown = false

  /** @param process the object that the caller should await, so that no failure of a copy is lost */
  constructor(process: object, child: CopiedChild) {
    this.#process = process
    this.#child = child
  }

  /** Returns the writer to stdin; null when the caller's own reader is copied to stdin. */
  connectIn(place: SpawnOptions['stdin'], stdin: StreamWriter | null): StreamWriter | null {
    if (stdin === null || !(place instanceof StreamReader)) return stdin
    this.#add(copyIn(this.#child, place, stdin))
    return null
  }

  /** Returns the reader of an output; null when the output is copied to the caller's own writer. */
  connectOut(
    output: StreamReader | null,
    place: SpawnOptions['stderr'],
    pipe: Socket | null,
  ): StreamReader | null {
    if (output === null || !(place instanceof StreamWriter)) return output
    this.#add(copyOut(this.#child, output, place, pipe as Socket))
    return null
  }

  /**
   * Keeps track of a copying task. If the task fails, `wait` and `communicate` of the process fail too. If neither is
   * called, the failure is reported.
   */
  #add(task: Task<void>): void {
    const copy: Copy = { task, ended: new OneShotEvent(), takeBackReport: () => {} }
    this.#copies.push(copy)
    observe(task, () => {
      if (hasFailed(task)) this.#onFailure(copy, task.exception())
      copy.ended.happen()
    })
  }

  #onFailure(copy: Copy, exception: unknown): void {
    if (this.#hasThrown) return
    const { name } = copy.task
    copy.takeBackReport = reportUnlessAwaited(this.#process, name, exception, copy.task.getLoop())
  }

  /**
   * Waits until all has been copied. An abort of `signal`, or a cancel of the caller, ends only the wait.
   *
   * @throws the error with which a copy has failed; if several have failed, the error of one of them
   * @throws {RuntimeError} when a copy was cut off, because the run in which the process was started has ended
   */
  async untilDone(signal: AbortSignal): Promise<void> {
    for (const copy of this.#copies) {
      const what = `the copying of the ${copy.task.name}`
      await copy.ended.wait(signal, () => ({ kind: 'process', label: what }))
      if (copy.task.cancelled())
        throw new RuntimeError(`${what} was cut off: the run that started it has ended`)
      if (hasFailed(copy.task)) this.#takeBackReports()
      copy.task.result()
    }
  }

  /** Called when a caller gets the failure of a copy, so that no failure of a copy is reported, now or later. */
  #takeBackReports(): void {
    this.#hasThrown = true
    for (const { takeBackReport } of this.#copies) takeBackReport()
  }

  cancelAll(): void {
    for (const { task } of this.#copies) task.cancel()
  }
}

/** What a copying task needs to know about the child whose streams it copies. */
interface CopiedChild {
  readonly pid: number
  readonly exited: OneShotEvent
  /** Happens when the child has exited and this program has begun to end it. */
  readonly cutOff: OneShotEvent
}

/** Copies `source` to the stdin of `child`, until either ends. */
function copyIn(child: CopiedChild, source: StreamReader, stdin: StreamWriter): Task<void> {
  const task = startCopy(async () => {
    try {
      await pump(source, stdin)
    } catch (error) {
      const isOwnEnd = isCancelled(error) && child.exited.hasHappened
      const hasClosedEarly = source.exception() === null && error instanceof OSError
      if (!isOwnEnd && !hasClosedEarly) throw error
    } finally {
      stdin.close()
    }
  }, `stdin of process ${child.pid}`)
  child.exited.on(() => task.cancel())
  return task
}

/** Copies an output of `child` to `sink`, which stays open. */
function copyOut(
  child: CopiedChild,
  output: StreamReader,
  sink: StreamWriter,
  pipe: Socket,
): Task<void> {
  const task = startCopy(async () => {
    try {
      await pump(output, sink)
    } catch (error) {
      // No code takes the output any more, so the pipe is closed. The next write of the child then fails with
      // SIGPIPE.
      pipe.destroy()
      if (child.cutOff.hasHappened && (isCancelled(error) || output.exception() !== null)) return
      throw error
    }
  }, `output of process ${child.pid}`)
  // If this program has ended the child, a writer that takes no bytes must not make the code that waits for the child wait
  // for ever. So the copy is cancelled DRAIN_GRACE milliseconds after the event `cutOff`.
  let stop = (): void => {}
  child.cutOff.on(() => {
    if (!task.done()) stop = afterDelay(DRAIN_GRACE, () => task.cancel())
  })
  task.addDoneCallback(() => stop())
  return task
}

/**
 * Starts a task that copies. The code of the task begins at once, because the child may end before the loop would begin it.
 * A task that is cancelled before its code begins counts as cut off by the end of a run.
 */
function startCopy(copy: () => Promise<void>, name: string): Task<void> {
  return createServiceTask(copy, { name, eager: true })
}

/**
 * Copies until `from` ends. Unlike `copy` of the streams package, this function does not warn when one side ends before
 * the other, because with child processes this is usual.
 */
async function pump(from: StreamReader, to: StreamWriter): Promise<void> {
  for (;;) {
    const chunk = await from.read(65_536)
    if (chunk.length === 0) return
    if (to.isClosing()) {
      // If the stream has failed, `drain` throws its error, such as that of a full disk.
      await to.drain()
      throw new ConnectionResetError('the stream that the output is copied to is closed')
    }
    to.write(chunk)
    await to.drain()
  }
}
