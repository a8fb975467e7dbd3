import { createServer, connect } from 'node:net'
import {
  Actor,
  type LocalActorRef,
  ActorSystem,
  child,
  silentLogger,
  spawn,
  type SupervisorRef,
} from '@tasktree/actor'
import { allTasks, run, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'

class Idle extends Actor {
  ping(): string {
    return 'pong'
  }
}

// How the cost grows with the number is tested in growth.test.ts. The limit is for a machine that is busy with other things.
const patient = { tags: ['slow'], timeout: 600_000 }

test('100,000 dynamic children start and stop', patient, async () => {
  await run(async () => {
    const system = await ActorSystem.start({
      name: 'crowd',
      logger: silentLogger,
      children: [child.dynamic('all', { template: (id: string) => child.actor(id, Idle) })],
    })
    const all = system.root.child('all') as SupervisorRef
    await Promise.all(Array.from({ length: 100_000 }, (_, i) => all.startChild(`c${i}`)))
    expect(all.countChildren().active).toBe(100_000)
    await system.stop()
    expect([...allTasks()]).toHaveLength(1)
  })
})

class Player extends Actor {
  peer: LocalActorRef<Player> | null = null
  #left = 0
  #done: () => void = () => {}
  meet(peer: LocalActorRef<Player>): void {
    this.peer = peer
  }
  play(rounds: number, done: () => void): void {
    this.#left = rounds
    this.#done = done
    this.ball()
  }
  ball(): void {
    if (this.#left > 0 && --this.#left === 0) this.#done()
    else void this.peer?.tell.ball()
  }
}

/** Returns how many echoes a socket has got by the time at which `busy` is done. */
async function countEchoes(busy: PromiseLike<void>): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket))
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  await new Promise<void>((ready) => client.once('connect', ready))
  let echoes = 0
  const state = { over: false }
  void busy.then(() => {
    state.over = true
  })
  while (!state.over) {
    client.write('x')
    await new Promise<void>((echoed) => client.once('data', () => echoed()))
    echoes++
  }
  client.destroy()
  await new Promise<void>((closed) => server.close(() => closed()))
  return echoes
}

test(
  'timers and sockets get their turns while two actors send each other a million messages',
  { tags: ['slow'] },
  async () => {
    await run(async () => {
      const a = await spawn(Player)
      const b = await spawn(Player)
      await a.ask.meet(b)
      await b.ask.meet(a)
      const state = { over: false }
      const game = new Promise<void>((done) => void a.tell.play(500_000, done)).then(() => {
        state.over = true
      })
      const echoes = countEchoes(game)
      let timers = 0
      while (!state.over) {
        await sleep(5)
        timers++
      }
      // The test counts the timers and echoes, and measures no time. If messages starved the event loop of Node, there would be one
      // of each, at the end. The folder benchmarks/ measures how late they are.
      expect(timers).toBeGreaterThan(10)
      expect(await echoes).toBeGreaterThan(10)
      await a.stop()
      await b.stop()
    })
  },
)

test(
  'timers get their turns while an actor handles 10,000 messages',
  { tags: ['slow'] },
  async () => {
    await run(async () => {
      let handled = 0
      class Slow extends Actor {
        step(): void {
          handled++
          const until = performance.now() + 0.05
          while (performance.now() < until);
        }
      }
      const slow = await spawn(Slow, [], { mailbox: { capacity: Infinity } })
      for (let i = 0; i < 10_000; i++) void slow.tell.step()
      for (let i = 0; i < 3; i++) await sleep(5)
      expect(handled).toBeGreaterThan(0)
      expect(handled).toBeLessThan(10_000)
      await slow.kill()
    })
  },
)
