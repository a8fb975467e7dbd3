import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue } from '../src/catalogue.ts'

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
}

const sections = read('README.md')
  .split(/^## /m)
  .map((section) => [section.slice(0, section.indexOf('\n')), section] as const)

function block(section: string, language: string): string {
  return section.match(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms'))?.[1] ?? ''
}

test('the README lists the examples as the program does', () => {
  const list = catalogue.map(({ name, summary }) => `- [${name}](#${name}): ${summary}\n`).join('')
  expect(read('README.md')).toContain(list)
})

test('the README has a section for each example, in the order of the catalogue', () => {
  const names = catalogue.map(({ name }) => name)
  const headings = sections.map(([heading]) => heading).filter((heading) => names.includes(heading))
  expect(headings).toEqual(names)
})

test.each(catalogue)(
  'the README shows the source of $name and of its Python original',
  ({ group, name }) => {
    const section = sections.find(([heading]) => heading === name)?.[1] ?? ''
    expect(block(section, 'ts')).toBe(read(`src/${group}/${name}.ts`))
    const original = group === 'asyncio' ? `python/${name}.py` : `python/${group}/${name}.py`
    const hasOriginal = existsSync(new URL(`../${original}`, import.meta.url))
    expect(block(section, 'python')).toBe(hasOriginal ? read(original) : '')
  },
)
