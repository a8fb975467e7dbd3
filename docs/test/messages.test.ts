// The pages of error codes and of messages say what the packages really say.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { docs } from './support/pages.ts'

const packages = resolve(docs, '../packages')
const source = globSync('*/src/**/*.ts', { cwd: packages })
  .map((file) => readFileSync(join(packages, file), 'utf8'))
  .join('\n')

function page(name: string): string {
  return readFileSync(join(docs, 'reference', name), 'utf8')
}

test('the page of error codes has every code of the packages, and no other', () => {
  const defined = [...source.matchAll(/\bcode(?:: string)? = '(ERR_[A-Z_]+)'/g)]
  // The code of an error that jobd's server answers contains the first word of the answer.
  const answered = [
    ...source.matchAll(/new Error\(\s*['`](BUSY|ERR|NOAUTH) /g),
    ...source.matchAll(/new CommandError\([^;]*?, '([A-Z]+)',?\s*\)/g),
  ]
  const replies = answered.map(([, word]) => `ERR_JOBD_${word === 'ERR' ? 'REPLY' : word}`)
  const codes = new Set([...defined.map((match) => match[1]), ...replies])
  const listed = page('errors.md').matchAll(/`(ERR_[A-Z_]+)`/g)
  expect([...new Set([...listed].map((match) => match[1]))].toSorted()).toEqual(
    [...codes].toSorted(),
  )
  expect(codes.size).toBeGreaterThan(40)
})

/** The source as the texts that it prints: '…' for each inserted value, and texts that are added to each other as one. */
const texts = source
  .replaceAll(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '…')
  .replaceAll(/['`]\s*\+\s*['`]/g, '')

test.each([...page('troubleshooting.md').matchAll(/^### `(.* .*)`$/gm)].map((match) => match[1]))(
  'the source of a package contains this message of troubleshooting.md: %s',
  (message) => {
    const missing = (message as string).split('…').filter((part) => !texts.includes(part.trim()))
    expect(missing).toEqual([])
  },
)
