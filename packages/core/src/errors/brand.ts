const prefix = '@tasktree/core.'

/**
 * Marks the class of `prototype` with a symbol that every copy of this package shares. If a program loads two copies,
 * each has classes of its own, and `instanceof` does not recognize an error that the other copy has made. The mark
 * does.
 */
export function brand(prototype: object, name: string): void {
  Object.defineProperty(prototype, brandOf(name), { value: true })
}

/** Whether `error` belongs to the marked class `name`, or to a class that extends it, of any copy of this package. */
export function hasBrand(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && brandOf(name) in error
}

/** Returns the name under which `brand` has marked this prototype itself; null if it has not. */
export function ownBrand(prototype: object): string | null {
  for (const symbol of Object.getOwnPropertySymbols(prototype)) {
    const key = Symbol.keyFor(symbol)
    if (key?.startsWith(prefix) === true) return key.slice(prefix.length)
  }
  return null
}

function brandOf(name: string): symbol {
  return Symbol.for(prefix + name)
}
