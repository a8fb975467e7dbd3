// Tests an actor that answers, an actor that is restarted after a crash, and a tree of actors that stops.
import assert from 'node:assert/strict'
import {
  Actor,
  ActorCrashed,
  ActorSystem,
  child,
  silentLogger,
  spawn,
} from '../../packages/actor/dist/index.js'
import { run, sleep } from '../../packages/core/dist/index.js'

const stopped = []

class Till extends Actor {
  #sold = 0

  sell(price) {
    if (price < 0) throw new Error('broken')
    this.#sold += price
    return this.#sold
  }

  async count(n) {
    await sleep(1)
    return this.#sold + n
  }

  onStop() {
    stopped.push(this.#sold)
  }
}

const till = await spawn(Till)
assert.equal(await till.ask.sell(3), 3)
assert.equal(await till.ask.count(1), 4)
await till.stop()

await run(async () => {
  // This program disposes the system by hand, because Node 22 has no `await using`.
  const system = await ActorSystem.start({
    name: 'shop',
    logger: silentLogger,
    children: [child.actor('till', Till)],
  })
  try {
    const ref = system.lookup(Till, 'till')
    assert.equal(await ref.ask.sell(5), 5)
    const crash = await ref.ask.sell(-1).catch((error) => error)
    assert.ok(crash instanceof ActorCrashed)
    assert.equal(await ref.ask.sell(1), 1)
  } finally {
    await system[Symbol.asyncDispose]()
  }
})
// `onStop` has run for each of three: the spawned actor (3), the incarnation that crashed (5), and the new incarnation (1).
assert.deepEqual(stopped, [3, 5, 1])
