import type { Link } from './link.ts'

/** How many jobs a new queue holds. */
const defaultCapacity = 1_000_000

/** Makes sure that the streams of a queue are there. Executors and workers both do, so either may come first. */
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
