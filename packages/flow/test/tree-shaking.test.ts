import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const src = new URL('../src/', import.meta.url)

/** Returns the source files that `file` needs at run time. */
async function needs(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found
  found.add(file)
  const text = await readFile(new URL(file, src), 'utf8')
  for (const [, names, path] of text.matchAll(
    /^import (?!type )([^;]*?) from '\.\/([\w-]+\.ts)'/gm,
  )) {
    const isOnlyTypes = /^\{(\s*type [\w]+,?)*\s*\}$/.test(names as string)
    if (!isOnlyTypes) await needs(path as string, found)
  }
  return found
}

const index = await readFile(new URL('index.ts', src), 'utf8')
/** The files whose exports are public, without the files about errors and backoff. */
const concepts = [...index.matchAll(/^export (?!type)[^']*'\.\/([\w-]+\.ts)'/gm)]
  .map(([, file]) => file as string)
  .filter((file) => !['errors.ts', 'backoff.ts'].includes(file))

test('the package has 16 files with public functions', () => {
  expect(concepts).toHaveLength(16)
})

test.each(concepts)('%s imports no file of another public function', async (file) => {
  const needed = await needs(file)
  needed.delete(file)
  expect(concepts.filter((other) => needed.has(other))).toEqual([])
})

test('retry.ts imports only these seven other files', async () => {
  expect([...(await needs('retry.ts'))].toSorted()).toMatchInlineSnapshot(`
    [
      "backoff.ts",
      "cancels.ts",
      "check-options.ts",
      "earlier-errors.ts",
      "retry.ts",
      "run-child.ts",
      "throw-as-is.ts",
      "tracing.ts",
    ]
  `)
})
