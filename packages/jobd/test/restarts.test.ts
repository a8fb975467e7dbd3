import { ActorSystem, child, RestartLimitError, silentLogger } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { restarts } from '../src/tree/restarts.ts'

function start(body: () => Promise<void>): Promise<ActorSystem> {
  return ActorSystem.start({
    name: 'test',
    logger: silentLogger,
    ...restarts,
    children: [child.task('part', body)],
  })
}

test('a part of the server that fails at once at each start is given up after about a minute', () =>
  runVirtual(async () => {
    let starts = 0
    await using system = await start(async () => {
      starts++
      throw new Error('broken')
    })
    const begun = getEventLoop().time()
    await expect(system.done).rejects.toThrow(RestartLimitError)
    expect(starts).toBe(21)
    const ms = getEventLoop().time() - begun
    expect(ms).toBeGreaterThan(40_000)
    expect(ms).toBeLessThan(90_000)
  }))

test('a part of the server that fails soon after each start is given up too', () =>
  runVirtual(async () => {
    await using system = await start(async () => {
      await sleep(51)
      throw new Error('broken')
    })
    await expect(system.done).rejects.toThrow(RestartLimitError)
  }))

test('a part of the server that is killed every 200 ms comes back each time', () =>
  runVirtual(async () => {
    await using system = await start(async () => sleep(Infinity))
    for (let i = 0; i < 1_000; i++) {
      await sleep(200)
      await system.lookup('part')?.kill()
    }
    await sleep(100)
    expect(system.lookup('part')?.incarnation).toBe(1_001)
  }))
