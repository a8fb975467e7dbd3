/**
 * node --expose-gc --conditions=@tasktree/source actor/bench.ts
 * erlc otp.erl && erl -noshell -s otp main -s init stop          (in actor/, where erlang is present)
 *
 * Each measurement checks that the work was done, and takes the best of several runs, because other processes can only make a
 * run slower.
 */
import assert from 'node:assert/strict'
import { Actor, type ActorRef, ActorSystem, child, silentLogger, spawn } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import { dispatch, query, spawn as spawnNact, start as startNact, stop as stopNact } from 'nact'
import { createActor, fromTransition } from 'xstate'

class Counter extends Actor {
  #n = 0
  add(n: number): void {
    this.#n += n
  }
  get(): number {
    return this.#n
  }
  async addLater(n: number): Promise<void> {
    this.#n += n
  }
  async getLater(): Promise<number> {
    return this.#n
  }
  fail(): void {
    throw new Error('on purpose')
  }
}

class Player extends Actor {
  #peer: ActorRef<Player> | null = null
  #left = 0
  #done: () => void = () => {}
  meet(peer: ActorRef<Player>): void {
    this.#peer = peer
  }
  play(rounds: number, done: () => void): void {
    this.#left = rounds
    this.#done = done
    void this.#peer?.tell.ball(this.ctx.self)
  }
  ball(from: ActorRef<Player>): void {
    void from.tell.back()
  }
  back(): void {
    if (--this.#left === 0) this.#done()
    else void this.#peer?.tell.ball(this.ctx.self)
  }
}

async function measure(
  name: string,
  count: number,
  work: () => Promise<number> | Promise<void>,
  runs = 5,
): Promise<void> {
  let best = Infinity
  for (let i = 0; i < runs; i++) {
    const before = performance.now()
    const spent = (await work()) ?? performance.now() - before
    best = Math.min(best, spent)
  }
  console.log(`| ${name} | ${((best * 1000) / count).toFixed(3)} us |`)
}

async function tasktree(): Promise<void> {
  const counter = await spawn(Counter, [], { mailbox: { capacity: Infinity } })
  const many = 200_000
  let expected = 0
  await measure('tasktree tell', many, async () => {
    for (let i = 0; i < many; i++) void counter.tell.add(1)
    expected += many
    assert.equal(await counter.ask.get(), expected)
  })
  await measure('tasktree tell to an async handler', many, async () => {
    for (let i = 0; i < many; i++) void counter.tell.addLater(1)
    expected += many
    assert.equal(await counter.ask({ timeout: Infinity }).get(), expected)
  })
  await measure('tasktree tell, awaited', many, async () => {
    for (let i = 0; i < many; i++) await counter.tell.add(1)
    expected += many
    assert.equal(await counter.ask.get(), expected)
  })
  const asks = 50_000
  await measure('tasktree ask', asks, async () => {
    for (let i = 0; i < asks; i++) assert.equal(await counter.ask.get(), expected)
  })
  await measure('tasktree ask of an async handler', asks, async () => {
    for (let i = 0; i < asks; i++) assert.equal(await counter.ask.getLater(), expected)
  })
  await counter.stop()

  const a = await spawn(Player)
  const b = await spawn(Player)
  await a.ask.meet(b)
  await measure('tasktree ping-pong round trip', asks, async () => {
    await new Promise<void>((done) => void a.tell.play(asks, done))
  })
  await a.stop()
  await b.stop()

  const lives = 5000
  await measure('tasktree spawn + stop', lives, async () => {
    for (let i = 0; i < lives; i++) await (await spawn(Counter)).stop()
  })
  const restarts = 5000
  const system = await ActorSystem.start({
    name: 'bench',
    logger: silentLogger,
    maxRestarts: 1_000_000,
    children: [child.actor('c', Counter)],
  })
  const c = system.lookup<ActorRef<Counter>>('c') as ActorRef<Counter>
  await measure(
    'tasktree restart after a kill',
    restarts,
    async () => {
      const first = c.incarnation
      for (let i = 0; i < restarts; i++) {
        void c.kill()
        await c.ask.get()
      }
      assert.equal(c.incarnation, first + restarts)
    },
    3,
  )
  await system.stop()
}

async function crowd(size: number): Promise<void> {
  const system = await ActorSystem.start({
    name: 'crowd',
    logger: silentLogger,
    children: [child.dynamic('all', { template: (id: string) => child.actor(id, Counter) })],
  })
  const all = system.root.child('all')
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const began = performance.now()
  for (let i = 0; i < size; i++) await all.startChild(`c${i}`)
  const started = performance.now() - began
  globalThis.gc?.()
  await sleep(0)
  globalThis.gc?.()
  const bytes = (process.memoryUsage().heapUsed - before) / size
  console.log(`| tasktree memory of an idle actor, of ${size} | ${Math.round(bytes)} B |`)
  console.log(`| tasktree start of ${size} children | ${Math.round(started)} ms |`)
  const stopping = performance.now()
  await system.stop()
  console.log(
    `| tasktree stop of ${size} children | ${Math.round(performance.now() - stopping)} ms |`,
  )
}

async function peers(): Promise<void> {
  const many = 200_000
  const asks = 20_000
  const system = startNact()
  type Message = { add: number } | { get: true; sender: never }
  const counter = spawnNact(
    system,
    (n = 0, message: Message, context: never) => {
      if ('add' in message) return n + message.add
      dispatch(message.sender, n, (context as { self: never }).self)
      return n
    },
    'counter',
  )
  let expected = 0
  const get = (): Promise<number> =>
    query(counter, ((sender: never) => ({ get: true, sender })) as never, 60_000) as Promise<number>
  await measure(
    'nact tell',
    many,
    async () => {
      for (let i = 0; i < many; i++) dispatch(counter, { add: 1 })
      expected += many
      assert.equal(await get(), expected)
    },
    2,
  )
  await measure(
    'nact ask',
    asks,
    async () => {
      for (let i = 0; i < asks; i++) assert.equal(await get(), expected)
    },
    2,
  )
  stopNact(system)
  const machine = createActor(
    fromTransition((n: number, event: { type: 'add'; n: number }) => n + event.n, 0),
  )
  machine.start()
  await measure(
    'xstate send, synchronous',
    many,
    async () => {
      const before = machine.getSnapshot().context
      for (let i = 0; i < many; i++) machine.send({ type: 'add', n: 1 })
      assert.equal(machine.getSnapshot().context, before + many)
    },
    3,
  )
}

console.log('| what | each |\n| --- | --- |')
await run(tasktree)
await run(() => crowd(20_000))
await run(() => crowd(100_000))
await peers()
