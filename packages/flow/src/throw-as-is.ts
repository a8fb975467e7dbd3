/** Throws `error`, which a function of the user has thrown and which need not be an Error. */
export function throwAsIs(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- see above
  throw error
}
