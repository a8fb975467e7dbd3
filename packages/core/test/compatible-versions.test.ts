import { afterEach, expect, test, vi } from 'vitest'
import { type EntryPoints, shareEntryPoints } from '../src/compatible-versions.ts'

const key = Symbol.for('@tasktree/core.copies')

afterEach(() => {
  Reflect.deleteProperty(globalThis, key)
})

const exportsOf = (version: string): EntryPoints => ({ index: { version } })

function warnings(): string[] {
  const list: string[] = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void list.push(String(warning)))
  return list
}

test('a second, compatible copy of the package gets the exports of the first, with a warning', () => {
  const told = warnings()
  const first = exportsOf('0.1.0')
  expect(shareEntryPoints('0.1.0', 'a', first)).toBe(first)
  expect(told).toEqual([])
  expect(shareEntryPoints('0.1.9', 'b', exportsOf('0.1.9'))).toBe(first)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(
    /^two copies of @tasktree\/core are loaded: 0\.1\.0 from a and 0\.1\.9 from b\. Both use/,
  )
})

test('an incompatible copy of the package keeps its own exports, and later copies compatible with it get them', () => {
  const told = warnings()
  const [old, recent] = [exportsOf('0.1.0'), exportsOf('0.2.0')]
  shareEntryPoints('0.1.0', 'a', old)
  expect(shareEntryPoints('0.2.0', 'b', recent)).toBe(recent)
  expect(told[0]).toContain('A cancel does not pass from one to the other')
  expect(shareEntryPoints('0.2.3', 'c', exportsOf('0.2.3'))).toBe(recent)
  expect(shareEntryPoints('1.2.3', 'd', exportsOf('1.2.3')).index).toEqual({ version: '1.2.3' })
  expect(shareEntryPoints('1.7.0', 'e', exportsOf('1.7.0')).index).toEqual({ version: '1.2.3' })
  expect(told).toHaveLength(1)
})

test('a copy of the package that is loaded twice gets the same exports without a warning', () => {
  const told = warnings()
  const first = exportsOf('0.1.0')
  shareEntryPoints('0.1.0', 'a', first)
  expect(shareEntryPoints('0.1.0', 'a', exportsOf('0.1.0'))).toBe(first)
  expect(told).toEqual([])
})
