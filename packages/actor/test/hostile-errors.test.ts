// Whatever the code of a child throws, the child is restarted, its supervisor goes on, and the crash is logged.
import { Actor, ActorSystem, child, type ChildSpec } from '@tasktree/actor'
import { sleep, sleepForever } from '@tasktree/core'
import { expect, test } from 'vitest'
import { settled, virtually } from './support/probe.ts'

function refuse(): never {
  throw new Error('do not look at me')
}

function errorWith(property: string | symbol, descriptor: PropertyDescriptor): unknown {
  return Object.defineProperty(new Error('x'), property, descriptor)
}

const hostile: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  [
    'a revoked Proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    },
  ],
  ['a Proxy without a prototype', () => new Proxy(new Error('x'), { getPrototypeOf: refuse })],
  ['an error whose name throws', () => errorWith('name', { get: refuse })],
  ['an error whose message throws', () => errorWith('message', { get: refuse })],
  ['an error whose cause throws', () => errorWith('cause', { get: refuse })],
  ['an error whose stack throws', () => errorWith('stack', { get: refuse })],
  ['an error whose name is a symbol', () => errorWith('name', { value: Symbol('name') })],
  [
    'an error that refuses to be shown',
    () => errorWith(Symbol.for('nodejs.util.inspect.custom'), { value: refuse }),
  ],
  ['an object without a prototype', () => Object.create(null)],
  ['an object that refuses to be JSON', () => ({ toJSON: refuse })],
  // oxlint-disable-next-line unicorn/no-thenable -- code may throw anything
  ['a thenable', () => ({ then: (resolve: () => void) => resolve() })],
]

/** Makes a child whose first incarnation throws, in several ways. */
const places: [string, (make: () => unknown) => ChildSpec][] = [
  [
    'a handler',
    (make) =>
      child.actor(
        'c',
        class extends Actor {
          protected override onStart(): void {
            if (this.ctx.incarnation === 1) void this.ctx.self.tell.fail()
          }
          fail(): void {
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
        class extends Actor {
          protected override onStart(): void {
            if (this.ctx.incarnation === 1) void this.ctx.self.tell.fail()
          }
          async fail(): Promise<void> {
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
  test.for(hostile)(`${place} may throw %s`, ([, make]) =>
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
