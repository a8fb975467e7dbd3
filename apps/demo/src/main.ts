import { KeyboardInterrupt, run } from '@tasktree/core'
import { tour } from './tour.ts'

// When the reader of a pipe has read enough and closed it, as head does, the program ends without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

try {
  await run(tour)
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error
  process.exitCode = 130
}
