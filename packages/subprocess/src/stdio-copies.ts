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

/** What a copying task needs to know about the child whose streams it copies. */
export interface CopiedChild {
  readonly pid: number
  readonly exited: Milestone
  /** Whether this program is ending the child. */
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
        // No code takes the output any more. The child must notice that, by SIGPIPE.
        pipe.destroy()
        if (child.isEnded() && (isCancelled(error) || output.exception() !== null)) return
        throw error
      }
    },
    { name: `output of process ${child.pid}` },
  )
  // A writer that takes no bytes must not delay the end of a child that this program has ended.
  let stop = (): void => {}
  child.exited.on(() => {
    if (child.isEnded() && !task.done()) stop = afterDelay(DRAIN_GRACE, () => task.cancel())
  })
  task.addDoneCallback(() => stop())
  return task
}

/**
 * Like `copy` of the streams package, but without a warning when one side ends before the other, which is usual here.
 */
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
