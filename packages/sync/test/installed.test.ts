import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))

// Two tasks that take turns with one lock, as an app would write it.
const program = `
import { createTask, gather, run, sleep } from '@tasktree/core'
import { Lock } from '@tasktree/sync'

const order: string[] = []
const lock: Lock = new Lock()
async function worker(name: string): Promise<void> {
  await lock.acquire()
  order.push(name)
  await sleep(1)
  lock.release()
}
await run(async () => {
  await gather([createTask(() => worker('first')), createTask(() => worker('second'))])
})
console.log(order.join(' '))
`

async function execute(cwd: string, command: string, ...args: string[]): Promise<string> {
  const shell = process.platform === 'win32'
  const ended = promisify(execFile)(command, args, { cwd, shell })
  const { stdout } = await ended.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${command} ${args[0]} failed: ${error.stderr}${error.stdout}`, {
      cause: error,
    })
  })
  return stdout
}

test(
  'an app that installs only the packed core and sync runs and type-checks',
  { tags: ['slow'] },
  async () => {
    const app = await mkdtemp(join(tmpdir(), 'tasktree-installed-'))
    onTestFinished(() => rm(app, { recursive: true }))

    for (const name of ['core', 'sync']) {
      const folder = join(root, 'packages', name)
      if (!existsSync(join(folder, 'dist/index.d.ts')))
        await execute(folder, 'pnpm', 'run', 'build')
      await execute(folder, 'pnpm', 'pack', '--pack-destination', app)
    }
    const tarballs = (await readdir(app)).map((file) => `./${file}`)
    expect(tarballs).toHaveLength(2)

    await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }')
    await writeFile(join(app, 'main.ts'), program)
    await execute(app, 'npm', 'install', '--offline', '--no-audit', '--no-fund', ...tarballs)

    expect(await execute(app, process.execPath, 'main.ts')).toBe('first second\n')

    const options =
      '--noEmit --strict --module nodenext --target es2025 --lib es2025,esnext.disposable'
    const node = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const tsc = join(root, 'node_modules/.bin/tsc')
    await execute(app, tsc, ...options.split(' '), ...node, 'main.ts')
  },
)
