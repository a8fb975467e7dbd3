// The programs of the README compile in strict mode, against the built packages where there are any.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const folder = join(import.meta.dirname, '..')

/** Passes refs to the methods that take one. The README has no program with all of them. */
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
  'every program of the README, and one with refs, compiles in strict mode',
  { tags: ['slow'] },
  async () => {
    const readme = await readFile(join(folder, 'README.md'), 'utf8')
    const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
      (match) => match[1] as string,
    )
    expect(programs.length).toBeGreaterThan(3)
    const isBuilt = ['core', 'sync', 'actor'].every((name) =>
      existsSync(join(folder, '..', name, 'dist/index.d.ts')),
    )
    // Inside the package, where its own name and its dependencies resolve.
    const directory = await mkdtemp(join(folder, 'test', 'readme-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    await Promise.all(
      [...programs, refs].map((program, i) =>
        writeFile(join(directory, `example${i + 1}.ts`), program),
      ),
    )
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      lib: ['esnext'],
      module: 'nodenext',
      types: ['node'],
      skipLibCheck: true,
      customConditions: isBuilt ? [] : ['@tasktree/source'],
      allowImportingTsExtensions: true,
    }
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const tsc = join(folder, 'node_modules/.bin/tsc')
    const errors = await new Promise<string>((resolve) => {
      execFile(tsc, ['-p', directory], (_error, stdout, stderr) => resolve(stdout + stderr))
    })
    expect(errors).toBe('')
  },
)
