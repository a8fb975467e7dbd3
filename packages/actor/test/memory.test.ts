// A program may use a new name or a new timeout for each of many asks and actors. The library must keep none of them.
import { Actor, ActorSystem, silentLogger, spawn } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { probe, ref, thrown } from './support/probe.ts'

/** Calls `again` many times, and returns how many bytes of memory each call leaves behind. */
async function leftBehind(
  again: (n: number) => PromiseLike<unknown> | void,
  times = 5000,
): Promise<number> {
  const heap = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  for (let n = 0; n < 2000; n++) await again(n)
  await sleep(1)
  const before = heap()
  for (let n = 2000; n < 2000 + times; n++) await again(n)
  await sleep(1)
  return (heap() - before) / times
}

class Clerk extends Actor {
  serve(): string {
    return 'served'
  }
}

test('an ask with a timeout of its own leaves at most 150 bytes behind', { tags: ['slow'] }, () =>
  runVirtual(async () => {
    const clerk = await spawn(Clerk)
    expect(await leftBehind((n) => clerk.ask({ timeout: 1000 + n / 1000 }).serve())).toBeLessThan(
      150,
    )
    await clerk.stop()
  }),
)

test(
  'an ask whose name the class does not declare leaves at most 150 bytes behind',
  { tags: ['slow'] },
  () =>
    runVirtual(async () => {
      const clerk = await spawn(Clerk)
      const asks = clerk.ask as unknown as Record<string, () => PromiseLike<unknown>>
      expect(await leftBehind((n) => thrown(asks[`name${n}`]!()))).toBeLessThan(150)
      await clerk.stop()
    }),
)

test('a left group and a removed name leave at most 100 bytes behind', { tags: ['slow'] }, () =>
  runVirtual(async () => {
    const system = await ActorSystem.start({
      name: 's',
      logger: silentLogger,
      children: [probe([], 'a')],
    })
    const a = ref(system, 'a')
    const bytes = await leftBehind(() => {
      system.group('all').join(a)
      system.group('all').leave(a)
      system.register('main', a)
      system.unregister('main')
    })
    expect(bytes).toBeLessThan(100)
    await system.stop()
  }),
)

test(
  'a given up wait for the end of a system leaves at most 40 bytes behind',
  { tags: ['slow'] },
  () =>
    runVirtual(async () => {
      const system = await ActorSystem.start({ name: 's', logger: silentLogger })
      const bytes = await leftBehind(async () => {
        system.done.cancel()
        await sleep(0)
      }, 20_000)
      expect(bytes).toBeLessThan(40)
      await system.stop()
    }),
)
