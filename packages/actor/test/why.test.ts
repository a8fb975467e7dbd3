import { Actor, ActorSystem, child, type LocalActorRef, silentLogger, spawn } from '@tasktree/actor'
import { allTasks, createTask, sleep, why } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Lock } from '@tasktree/sync'
import { expect, test } from 'vitest'

class Clerk extends Actor {
  async serve(): Promise<void> {
    await sleep(60_000)
  }
}

test('why tells which actor a task waits for, its mailbox, and what its handler waits for', async () => {
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

class Shop extends Actor {
  readonly #lock = new Lock({ name: 'till' })
  readonly #clerk: LocalActorRef<Clerk>

  constructor(clerk: LocalActorRef<Clerk>) {
    super()
    this.#clerk = clerk
  }
  async pay(): Promise<void> {
    await this.#lock.acquire()
    await this.#lock.acquire()
  }
  async order(): Promise<void> {
    await this.#clerk.ask({ timeout: Infinity }).serve()
  }
}

test('system.tree() shows what each handler waits for in the words of why()', async () => {
  await runVirtual(async () => {
    const system = await ActorSystem.start({
      name: 's',
      logger: silentLogger,
      children: [child.actor('clerk', Clerk)],
    })
    const clerk = system.lookup(Clerk, 'clerk') as LocalActorRef<Clerk>
    for (const id of ['till', 'desk']) await system.root.startChild(child.actor(id, Shop, [clerk]))
    void system.lookup(Shop, 'till')?.tell.pay()
    void system.lookup(Shop, 'desk')?.tell.order()
    await sleep(10)
    const [, first, second] = system.tree().split('\n').slice(1)
    expect(first).toContain("in pay  waits for lock 'till'")
    expect(second).toContain("in order  waits for the answer of actor '/s/clerk' to serve()")
    const before = system.tree()
    await sleep(1_000)
    expect(system.tree()).toBe(before)
    await system.stop({ timeout: 0 })
  })
})

test('why tells which child a stopping supervisor or actor waits for', async () => {
  class Kid extends Actor {
    protected override async onStop(): Promise<void> {
      await sleep(60_000)
    }
  }
  class Parent extends Actor {
    protected override async onStart(): Promise<void> {
      await this.ctx.spawn(Kid, [], { name: 'kid' })
    }
  }
  await runVirtual(async () => {
    const spec = child.actor('parent', Parent, [], { shutdown: Infinity })
    const options = { name: 's', logger: silentLogger, shutdownTimeout: Infinity }
    const system = await ActorSystem.start({ ...options, children: [spec] })
    const stopping = system.stop({ timeout: Infinity })
    await sleep(1)
    const root = [...allTasks()].find(({ name }) => name === '/s')
    expect(root === undefined ? '' : why(root)).toMatch(
      /^\/s waits for the end of child '\/s\/parent', which waits for the end of child '\/s\/parent\/kid', which sleeps for another/,
    )
    await stopping
  })
})
