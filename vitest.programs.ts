// Runs the programs of a document, to prove that each program prints the output that the document shows.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const block: RegExp = /^```ts(?<info> [^\n]*)?\n(?<code>[\s\S]*?)^```$/gm

/** The blocks of TypeScript in a Markdown text, each of which is a whole program. */
export function programsOf(markdown: string): string[] {
  return [...markdown.matchAll(block)].map((match) => match.groups?.['code'] as string)
}

/** A program of a document, and the output and the exit code that the document gives for it. */
export interface ShownProgram {
  program: string
  /** The content of the `text` block that follows the program; empty if no such block follows. */
  output: string
  /** The number after `exit=` in the opening line of the program's block, or 0. */
  exitCode: number
}

/** The programs of a Markdown text with their outputs. */
export function shownPrograms(markdown: string): ShownProgram[] {
  return [...markdown.matchAll(block)].map((match) => {
    const rest = markdown.slice(match.index + match[0].length)
    return {
      program: match.groups?.['code'] as string,
      output: /^\s*```text\n([\s\S]*?)```/.exec(rest)?.[1] ?? '',
      exitCode: Number(/exit=(\d+)/.exec(match.groups?.['info'] ?? '')?.[1] ?? 0),
    }
  })
}

/**
 * Runs a program and returns what it prints. The program's imports resolve as they do for code in `folder`: to the source of
 * the packages, or with `built` to the built packages, which start faster. Rejects when the program ends with another exit
 * code than `exitCode`.
 */
export async function outputOf(
  program: string,
  folder: string,
  options: { built?: boolean; exitCode?: number; type?: 'module' | 'module-typescript' } = {},
): Promise<string> {
  const conditions = options.built ? [] : ['--conditions=@tasktree/source']
  const { type = 'module-typescript' } = options
  const args = [...conditions, '--no-warnings', `--input-type=${type}`, '--eval', program]
  const running = promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 100_000 })
  const { exitCode = 0 } = options
  if (exitCode === 0) return (await running).stdout
  const failure = (await running.catch((error: unknown) => error)) as {
    code?: number
    stdout: string
    stderr: string
  }
  if (failure.code !== exitCode) {
    throw new Error(`expected exit code ${exitCode}, got ${failure.code}: ${failure.stderr}`)
  }
  return failure.stdout
}

/**
 * Calls `run` until it returns `expected`, but at most three times. Returns the last result, or throws the last error.
 *
 * The programs of the documents wait for tens of milliseconds in real time. If the machine stalls for longer, some of these
 * programs fail or print something else, and are right at the next attempt. A wrong program is wrong each time.
 */
export async function outputInTime(expected: string, run: () => Promise<string>): Promise<string> {
  for (let attempt = 1; attempt < 3; attempt++) {
    const output = await run().catch(() => null)
    if (output === expected) return output
  }
  return run()
}

/**
 * Defines tests that run the programs of the documents `paths` (relative to `folder`). The first program must print the first
 * string of `expected`, the second program the second string, and so on.
 */
export function testPrograms(
  folder: string,
  paths: readonly string[],
  expected: readonly string[],
): void {
  const programs = paths.flatMap((path) => programsOf(readFileSync(join(folder, path), 'utf8')))

  test(`every program of ${paths.join(' and ')} is run here`, () => {
    expect(programs).toHaveLength(expected.length)
  })

  test.each(programs.map((program, i) => [program, expected[i]]))(
    'program %# prints the expected output',
    { tags: ['slow'] },
    async (program, output) => {
      const shown = await outputInTime(output as string, () => outputOf(program, folder))
      expect(shown).toBe(output)
    },
  )
}

/**
 * Compiles the programs in strict mode with the packages that code in the package folder `folder` finds, and returns
 * what the compiler prints: nothing if every program compiles. The packages are used as they were built if all of
 * `packages` (names without scope) were built, and otherwise as source.
 */
export async function compilerErrors(
  programs: readonly string[],
  folder: string,
  packages: readonly string[],
): Promise<string> {
  const isBuilt = packages.every((name) => existsSync(join(folder, '..', name, 'dist/index.d.ts')))
  // The new folder is inside the package, so that imports of the package's own name and of its dependencies resolve.
  const directory = await mkdtemp(join(folder, 'test', 'programs-'))
  try {
    await Promise.all(
      programs.map((program, i) => writeFile(join(directory, `program${i + 1}.ts`), program)),
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
    return await new Promise<string>((resolve) => {
      execFile(tsc, ['-p', directory], (_error, stdout, stderr) => resolve(stdout + stderr))
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}
