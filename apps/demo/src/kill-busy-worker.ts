import { styleText } from 'node:util'
import type { JobClient } from '@tasktree/jobd'
import type { LiveLines } from './live-lines.ts'

/** The name of the worker that the tour (`tour.ts`) kills. */
export const victim = 'worker-1'

/**
 * Returns a function that must be called again and again with the number of running jobs. It kills the victim once, as
 * soon as all of the `workers` have a job.
 */
export function killOnce(
  client: JobClient,
  display: LiveLines,
  workers: number,
): (running: number) => Promise<void> {
  let isAlive = true
  return async (running) => {
    if (!isAlive || running < workers) return
    isAlive = false
    display.print(styleText('red', `killing ${victim}, which has a job`))
    await client.command('ACTOR.KILL', `workers/${victim}`)
  }
}
