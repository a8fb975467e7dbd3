/** Throws the value that a caller's function threw, which need not be an Error. */
export function throwAsIs(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- see above
  throw error
}
