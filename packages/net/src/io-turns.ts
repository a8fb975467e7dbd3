import { Future } from '@tasktree/core'

/**
 * Waits for `count` turns of Node's event loop, so that Node has looked for I/O at least `count - 1` times and at most
 * `count` times.
 */
export async function turnsOfIo(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const turn = new Future<void>()
    // oxlint-disable-next-line no-restricted-globals -- a turn of Node's loop is meant, and not a time
    setImmediate(() => {
      if (!turn.done()) turn.setResult()
    })
    await turn
  }
}
