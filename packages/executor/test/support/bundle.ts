// Bundles the program of the workers, and each fixture that workers and child processes load, into one file. It runs before the
// tests of a run. The tests start hundreds of workers, and a worker loads one file much faster than many TypeScript files.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { TestProject } from 'vitest/node'
import { bundled } from './bundled.ts'

const packageFolder = fileURLToPath(new URL('../..', import.meta.url))
const folder = fileURLToPath(bundled('.'))

const fixtures = ['work', 'hostile', 'recipes', 'endings', 'program'].map(
  (name) => `test/fixtures/${name}.ts`,
)

/** Vitest calls this before the tests of a run. */
export async function setup(project: TestProject): Promise<void> {
  await bundle()
  // In watch mode the tests run again after a change of the source.
  project.onTestsRerun(bundle)
}

async function bundle(): Promise<void> {
  // The released file is minified too. That gives classes and functions other names.
  await bundleFiles(['src/worker-entry.ts'], true)
  await bundleFiles(fixtures, false)
}

async function bundleFiles(entryPoints: string[], minify: boolean): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: packageFolder,
    entryPoints,
    minify,
    entryNames: '[name]',
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    conditions: ['@tasktree/source'],
    write: false,
  })
  mkdirSync(folder, { recursive: true })
  replace('package.json', '{ "type": "module" }\n')
  for (const { path, text } of outputFiles) replace(basename(path), text)
}

/** Writes a file by a rename, because another run of the tests may read the file at the same time. */
function replace(name: string, text: string): void {
  const file = join(folder, name)
  if (read(file) === text) return
  const next = `${file}.${process.pid}`
  writeFileSync(next, text)
  renameSync(next, file)
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
