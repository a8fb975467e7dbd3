// Installs packed packages in an empty folder, as the app of a user would have them.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'

const root = import.meta.dirname

/** Runs the command in the folder `cwd` and returns what it prints. If the command fails, the error contains its output. */
export async function execute(cwd: string, command: string, ...args: string[]): Promise<string> {
  const shell = process.platform === 'win32'
  const ended = promisify(execFile)(command, args, { cwd, shell })
  const { stdout } = await ended.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${command} ${args[0]} failed: ${error.stderr}${error.stdout}`, {
      cause: error,
    })
  })
  return stdout
}

/**
 * Packs the packages, installs the tarballs in a new folder without any registry, and writes `program` to `main.ts`
 * there. Returns the folder, which is removed when the test has finished.
 */
export async function installApp(packages: readonly string[], program: string): Promise<string> {
  const app = await mkdtemp(join(tmpdir(), 'tasktree-installed-'))
  onTestFinished(() => rm(app, { recursive: true }))
  for (const name of packages) {
    const folder = join(root, 'packages', name)
    if (!existsSync(join(folder, 'dist/index.d.ts'))) await execute(folder, 'pnpm', 'run', 'build')
    await execute(folder, 'pnpm', 'pack', '--pack-destination', app)
  }
  const tarballs = (await readdir(app)).map((file) => `./${file}`)
  expect(tarballs).toHaveLength(packages.length)
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }')
  await writeFile(join(app, 'main.ts'), program)
  await execute(app, 'npm', 'install', '--offline', '--no-audit', '--no-fund', ...tarballs)
  return app
}

/** Checks the types of the app's `main.ts` against the declarations of the installed packages. */
export async function checkTypes(app: string): Promise<void> {
  const options =
    '--noEmit --strict --module nodenext --target es2025 --lib es2025,esnext.disposable'
  const node = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
  const tsc = join(root, 'node_modules/.bin/tsc')
  await execute(app, tsc, ...options.split(' '), ...node, 'main.ts')
}
