import { expect, test } from 'vitest'
import { findObstacle } from '../src/check-runtime.ts'

test('the check accepts this runtime', () => {
  expect(findObstacle(globalThis as never)).toBeNull()
})

test('an old Node and another old runtime are told what is needed', () => {
  expect(findObstacle({ Promise: {}, process: { versions: { node: '20.1.0' } } })).toBe(
    '@tasktree/core needs Node 22 or later, Bun or Deno; this is Node 20.1.0',
  )
  expect(findObstacle({ Promise: {} })).toBe(
    '@tasktree/core needs Node 22 or later, Bun or Deno; this runtime lacks Promise.withResolvers',
  )
})

test('a Promise that is not the engine’s is refused, with the name of the code that has replaced it', () => {
  class Other extends Promise<unknown> {}
  expect(findObstacle({ Promise: Other, Zone: {} })).toContain('zone.js has replaced')
  expect(findObstacle({ Promise: Other })).toContain('Something has replaced')
})
