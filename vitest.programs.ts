// Runs the programs of a document, so that what the document shows is what a reader gets.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** The blocks of TypeScript in a Markdown text, each of which is a whole program. */
export function programsOf(markdown: string): string[] {
  return [...markdown.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string)
}

/** What a program prints. It finds the packages that code in `folder` finds, as source. */
export async function outputOf(program: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@tasktree/source', '--input-type=module-typescript', '--eval', program],
    { cwd: folder },
  )
  return stdout
}

/** Tests that the programs of the documents print what is expected, in their order. The paths are relative to `folder`. */
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
    '%#: runs as it says',
    { tags: ['slow'] },
    async (program, output) => {
      expect(await outputOf(program, folder)).toBe(output)
    },
  )
}
