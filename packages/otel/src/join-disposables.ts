/** Joins `parts` into one Disposable. The parts are disposed of in reverse order. (Node 22 has no DisposableStack.) */
export function joinDisposables(...parts: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const part of parts.toReversed()) part[Symbol.dispose]()
    },
  }
}
