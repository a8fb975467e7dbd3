import { currentTask, getEventLoop, isCancelled, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { StreamReader } from '@tasktree/streams'
import type { OneShotEvent } from './one-shot-event.ts'
import { linesAndPrompts } from './lines-and-prompts.ts'

export type Listener = (line: string) => void | PromiseLike<void>

/** What `listenToLines` needs to know of the process whose lines it reads. */
export interface HeardProcess {
  readonly program: string
  /**
   * Called with each line. Also called with text that has no line end and is followed by silence, because this may be a
   * prompt.
   */
  readonly onText: (text: string) => void
  /** The function that the user wants to be called with each line; undefined if there is none. */
  readonly listener: Listener | undefined
  /** The event after which no more lines are passed to the listener. */
  readonly deaf: OneShotEvent
}

/**
 * Starts a task that passes each line of `reader` to the listener, until the output ends or `deaf` has happened. The
 * task is separate from the task that runs the process, because a listener may cancel the task in which it is called,
 * and that must not end the process.
 */
export function listenToLines(reader: StreamReader | null, process: HeardProcess): Task<void> {
  return createServiceTask(() => passLinesOn(reader, process), {
    name: `lines of ${process.program}`,
  })
}

async function passLinesOn(reader: StreamReader | null, process: HeardProcess): Promise<void> {
  if (reader === null) return
  const onPrompt = (text: string): void => {
    try {
      process.onText(text)
    } catch (error) {
      reportListener(process, error)
    }
  }
  for await (const line of linesAndPrompts(reader, onPrompt)) {
    await callListener(process, line, process.onText)
    if (process.listener !== undefined) await callListener(process, line, process.listener)
    if (process.deaf.hasHappened) return
  }
}

/**
 * Calls a listener with a line. If the listener fails, the error is reported, and the listener still gets the next
 * line.
 */
async function callListener(
  process: HeardProcess,
  line: string,
  listener: Listener,
): Promise<void> {
  try {
    await listener(line)
  } catch (error) {
    if (isCancelled(error) && currentTask()?.cancelling() !== 0) throw error
    reportListener(process, error)
  }
}

function reportListener({ program }: HeardProcess, exception: unknown): void {
  const message = `a listener to the lines of ${program} failed`
  getEventLoop().callExceptionHandler({ message, exception })
}
