import { Actor, spawn } from '@tasktree/actor'
import { createTask, sleep, why } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'

class Clerk extends Actor {
  async serve(): Promise<void> {
    await sleep(60_000)
  }
}

test('why tells the actor that is asked, its mailbox, and what its handler waits for', async () => {
  await runVirtual(async () => {
    const clerk = await spawn(Clerk, [], { mailbox: { capacity: 1 }, name: 'clerk' })
    const ask = { timeout: Infinity }
    const first = createTask(async () => await clerk.ask(ask).serve(), { name: 'first' })
    await sleep(10)
    const second = createTask(async () => await clerk.ask(ask).serve(), { name: 'second' })
    await sleep(10)
    const third = createTask(async () => await clerk.tell.serve(), { name: 'third' })
    const watcher = createTask(async () => await clerk.whenStopped, { name: 'watcher' })
    await sleep(10)
    const next = 'which sleeps for another 1 min'
    const answer = `waits for the answer of actor '/clerk' to serve() (1 in its mailbox, it is in serve()), ${next}`
    expect([first, second, third, watcher].map((task) => why(task))).toEqual([
      `first ${answer}`,
      `second ${answer}`,
      `third waits for room in the mailbox of actor '/clerk' (1 of 1 in it), ${next}`,
      `watcher waits for the end of child '/clerk', ${next}`,
    ])
    for (const task of [first, second, third, watcher]) task.cancel()
    await clerk.stop(0)
  })
})
