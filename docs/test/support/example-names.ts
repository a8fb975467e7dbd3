// Names that the examples of the docstrings use as if the reader's program had them, so that the examples stay short.
import { sleep } from '@tasktree/core'

/** Some work that takes a moment, and can be cancelled. */
export async function work(): Promise<string> {
  await sleep(1)
  return 'done'
}

/** Does something with a value. */
export async function handle(_value: unknown): Promise<void> {
  await sleep(1)
}
