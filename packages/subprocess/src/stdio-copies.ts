import { createTask, isCancelled, type Task } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import {
  ConnectionResetError,
  OSError,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/streams'
import type { Socket } from 'node:net'
import { DRAIN_GRACE } from './held-pipe.ts'
import type { Milestone } from './milestone.ts'

/** A child, as the tasks see it that copy between it and the caller's own streams. */
export interface CopiedChild {
  readonly pid: number
  readonly exited: Milestone
  /** Whether it is being ended from here. */
  isEnded(): boolean
}

/** Copies `source` to the stdin of `child`, until either ends. */
export function copyIn(child: CopiedChild, source: StreamReader, stdin: StreamWriter): Task<void> {
  const task = createTask(
    async () => {
      try {
        await pump(source, stdin)
      } catch (error) {
        const isOwnEnd = isCancelled(error) && child.exited.reached
        const hasClosedEarly = error instanceof OSError && source.exception() === null
        if (!isOwnEnd && !hasClosedEarly) throw error
      } finally {
        stdin.close()
      }
    },
    { name: `stdin of process ${child.pid}` },
  )
  child.exited.on(() => task.cancel())
  return task
}

/** Copies an output of `child` to `sink`, which stays open. */
export function copyOut(
  child: CopiedChild,
  output: StreamReader,
  sink: StreamWriter,
  pipe: Socket,
): Task<void> {
  const task = createTask(
    async () => {
      try {
        await pump(output, sink)
      } catch (error) {
        // Nobody takes the output any more, and the child must notice: by SIGPIPE.
        pipe.destroy()
        if (child.isEnded() && (isCancelled(error) || output.exception() !== null)) return
        throw error
      }
    },
    { name: `output of process ${child.pid}` },
  )
  // A writer that takes nothing must not hold the end of a child that was ended from here.
  let stop = (): void => {}
  child.exited.on(() => {
    if (child.isEnded() && !task.done()) stop = afterDelay(DRAIN_GRACE, () => task.cancel())
  })
  task.addDoneCallback(() => stop())
  return task
}

/** As `copy` of streams. But here one side usually ends before the other, which is not worth a warning. */
async function pump(from: StreamReader, to: StreamWriter): Promise<void> {
  for (;;) {
    const chunk = await from.read(65_536)
    if (chunk.length === 0) return
    if (to.isClosing())
      throw new ConnectionResetError('the stream that the output is copied to is closed')
    to.write(chunk)
    await to.drain()
  }
}
