// Tests that the programs of the README compile in strict mode, against the built packages if the packages are built.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compilerErrors, programsOf } from '../../../vitest.programs.ts'

const folder = join(import.meta.dirname, '..')

/** A program that passes refs to all methods that take one. No program of the README uses all of them. */
const refs = `
import { Actor, type ActorSystem, type LocalActorRef, type ReplyPort, sys } from '@tasktree/actor'

export class Watcher extends Actor {
  see(other: LocalActorRef<Watcher>, port: ReplyPort<string>, system: ActorSystem): void {
    this.ctx.monitor(other.pinned())
    this.ctx.link(other)
    this.ctx.link(this.ctx.self)
    port.handOver(other)
    port.handOver(this.ctx.self)
    system.register('other', other)
    system.group('others').join(other)
    void sys.suspend(other)
  }
}
`

test(
  'the programs of the README, and a program that uses refs, compile in strict mode',
  { tags: ['slow'] },
  async () => {
    const programs = programsOf(readFileSync(join(folder, 'README.md'), 'utf8'))
    expect(programs.length).toBeGreaterThan(3)
    expect(await compilerErrors([...programs, refs], folder, ['core', 'sync', 'actor'])).toBe('')
  },
)
