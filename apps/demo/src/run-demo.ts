import { isCancelled, KeyboardInterrupt, run } from '@tasktree/core'

/**
 * Runs a demo as the whole program. `main` returns the exit code. Ctrl-C ends the demo with code 130. When the reader of a
 * pipe has read enough and closed it, as head does, the demo ends without an error. In both cases it cleans up first.
 */
export async function runDemo(main: () => Promise<number>): Promise<void> {
  const reader = new AbortController()
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    reader.abort()
  })
  try {
    process.exitCode = await run(main, { signal: reader.signal })
  } catch (error) {
    if (error instanceof KeyboardInterrupt) process.exitCode = 130
    else if (!reader.signal.aborted || !isCancelled(error)) throw error
  }
}
