import type { Link } from './link.ts'

/** How many jobs a queue holds if the option `capacity` was never given. */
const defaultCapacity = 1_000_000

/** Creates the streams of a queue if they do not exist, and sets its `capacity`. Executors and workers call this in any order. */
export async function openQueue(link: Link, queue: string, capacity?: number): Promise<void> {
  const { names } = link
  const name = names.jobs(queue)
  const isThere = await link.insist((bus) => bus.streamState(name))
  const maxMessages = capacity ?? (isThere === null ? defaultCapacity : undefined)
  await link.insist((bus) =>
    bus.openStream({ name, subjects: [names.job(queue)], retention: 'work', maxMessages }),
  )
  await link.insist((bus) =>
    bus.openStream({
      name: names.delayed(queue),
      subjects: [names.delay(queue)],
      retention: 'work',
    }),
  )
}
