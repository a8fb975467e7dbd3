import { expect, test } from 'vitest'
import { findObstacle } from '../src/check-runtime.ts'

test('findObstacle finds nothing wrong with this runtime', () => {
  expect(findObstacle(globalThis as never)).toBeNull()
})

test('findObstacle tells an old Node and another old runtime which version is needed', () => {
  expect(findObstacle({ Promise: {}, process: { versions: { node: '20.1.0' } } })).toBe(
    '@tasktree/core needs Node 22 or later, Bun or Deno; this is Node 20.1.0',
  )
  expect(findObstacle({ Promise: {} })).toBe(
    '@tasktree/core needs Node 22 or later, Bun or Deno; this runtime lacks Promise.withResolvers',
  )
})

test('findObstacle refuses a Promise that is not native, and names the code that has replaced it', () => {
  class Other extends Promise<unknown> {}
  expect(findObstacle({ Promise: Other, Zone: {} })).toContain('zone.js has replaced')
  expect(findObstacle({ Promise: Other })).toContain('Something has replaced')
})
