import { KeyboardInterrupt, run } from '@tasktree/core'
import { tour } from './tour.ts'

// A pipe that is read no further, as by head, is no failure of the program's.
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
