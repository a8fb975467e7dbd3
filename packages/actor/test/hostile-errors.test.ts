// Tests that a child is restarted, its supervisor goes on and the crash is logged, even if the code of the child throws a hostile
// value.
import { Actor, ActorSystem, child, type ChildSpec, formatReason } from '@tasktree/actor'
import { sleep, sleepForever } from '@tasktree/core'
import { expect, test } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'
import { settled, virtually } from './support/probe.ts'

const thrownValues: readonly [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ...hostile,
]

/** An actor whose first incarnation sends itself the message `fail`. */
class FailsOnce extends Actor {
  protected override onStart(): void {
    if (this.ctx.incarnation === 1) void this.ctx.self.tell.fail()
  }
  fail(): Promise<void> | void {}
}

/** Places at which the code of a child can throw, and a function that makes a child whose first incarnation throws there. */
const places: [string, (make: () => unknown) => ChildSpec][] = [
  [
    'a handler',
    (make) =>
      child.actor(
        'c',
        class extends FailsOnce {
          override fail(): void {
            throw make()
          }
        },
      ),
  ],
  [
    'a handler that waits',
    (make) =>
      child.actor(
        'c',
        class extends FailsOnce {
          override async fail(): Promise<void> {
            await sleep(1)
            throw make()
          }
        },
      ),
  ],
  [
    'a pipe',
    (make) =>
      child.actor(
        'c',
        class extends Actor {
          protected override onStart(): void {
            if (this.ctx.incarnation > 1) return
            this.ctx.pipe(sleep(1), () => {
              throw make()
            })
          }
        },
      ),
  ],
  [
    'onStop',
    (make) =>
      child.actor(
        'c',
        class extends Actor {
          protected override onStart(): void {
            if (this.ctx.incarnation === 1) this.ctx.stop()
          }
          protected override onStop(): void {
            throw make()
          }
        },
      ),
  ],
  [
    'a task',
    (make) => {
      let runs = 0
      return child.task('c', async () => {
        await sleep(1)
        if (++runs === 1) throw make()
        await sleepForever()
      })
    },
  ],
  [
    'a resource',
    (make) => {
      let runs = 0
      const wait = async (): Promise<void> => {
        await sleep(1)
        if (++runs === 1) throw make()
        await sleepForever()
      }
      return child.resource('c', () => ({ wait, [Symbol.dispose]() {} }))
    },
  ],
]

for (const [place, makeSpec] of places) {
  test.for(thrownValues)(`${place} may throw %s, and the child is restarted`, ([, make]) =>
    virtually(async () => {
      const system = await ActorSystem.start({ name: 's', children: [makeSpec(make)] })
      await sleep(10)
      await settled()
      expect(system.root.status).toBe('running')
      expect(system.lookup('c')).toMatchObject({ status: 'running', incarnation: 2 })
      await system.stop()
    })(),
  )
}

test('an error whose toJSON returns nothing is still described in the exit reason', () => {
  const error = { toJSON: () => undefined }
  expect(formatReason({ kind: 'error', error })).toBe('error: [object Object]')
})
