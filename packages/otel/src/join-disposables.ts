import { guarded } from './guarded.ts'

/**
 * Joins `parts` into one Disposable. The parts are disposed of in reverse order, even if one of them throws. This
 * function is used because Node 22 has no DisposableStack.
 */
export function joinDisposables(...parts: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const part of parts.toReversed()) guarded(() => part[Symbol.dispose]())()
    },
  }
}
