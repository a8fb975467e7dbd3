// Every block of JavaScript in the READMEs and pages is run: as a program by Node, or by the tool that it is for.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { outputInTime, outputOf } from '../../vitest.programs.ts'
import { type Block, blocksOf, read, root } from './support/documents.ts'

/** The tools that run a block in another test, by what such a block contains, and the document or file that this test runs. */
const otherRunners: readonly (readonly [word: string, file: string])[] = [
  ["from '@jest/globals'", 'runtimes/jest/page.test.mjs'],
  ["from 'vitest'", 'packages/core/test/fixtures/vitest/page.fixture.ts'],
  ['// eslint.config.js', 'packages/eslint-plugin/README.md'],
]

function otherRunner({ text }: Block): string | undefined {
  return otherRunners.find(([word]) => text.includes(word))?.[1]
}

/** The fixture of vitest has a type; the page is read by users of JavaScript as well. */
const withoutTypes = (text: string): string =>
  text.replace('(n: number): Promise<void> =>', '(n) =>')

const blocks = blocksOf('js')
const programs = blocks.filter((block) => otherRunner(block) === undefined)

describe('the JavaScript programs in the documents', () => {
  test.each(programs.map((block) => [block.name, block] as const))(
    '%s prints the output that its document shows',
    { tags: ['slow'] },
    async (_, { document, text, output }) => {
      // A README's program finds what the tests of its package find.
      const own = join(root, dirname(document), 'test')
      const folder = existsSync(own) ? own : import.meta.dirname
      const run = (): Promise<string> => outputOf(text, folder, { type: 'module' })
      expect(await outputInTime(output, run)).toBe(output)
    },
  )

  test('are found, and each has an output', () => {
    expect(programs.length).toBeGreaterThan(0)
    expect(programs.filter(({ output }) => output === '')).toEqual([])
  })
})

describe('the JavaScript blocks in the documents that belong to a tool', () => {
  const others = blocks.flatMap((block) => {
    const file = otherRunner(block)
    return file === undefined ? [] : [[block.name, file, block.text] as const]
  })

  test.each(others)('%s is part of the file %s, which another test runs', (_, file, text) => {
    expect(withoutTypes(read(file))).toContain(text)
  })

  test('exist for each tool', () => {
    const used = otherRunners.filter(([, file]) => others.some(([, each]) => each === file))
    expect(used).toEqual(otherRunners)
  })
})
