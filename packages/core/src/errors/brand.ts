const prefix = '@tasktree/core.'

/**
 * Marks the class of `prototype` with a symbol that every copy of this package shares. If a program loads two copies of
 * this package, each copy has its own classes, and `instanceof` does not recognize an error that the other copy has
 * made. `hasBrand` recognizes such an error by the symbol.
 */
export function brand(prototype: object, name: string): void {
  Object.defineProperty(prototype, brandOf(name), { value: true })
}

/**
 * Whether `error` is an instance of the class that `brand` has marked with `name`, or of a subclass. The class may
 * belong to any copy of this package.
 */
export function hasBrand(error: unknown, name: string): boolean {
  if (typeof error !== 'object' || error === null) return false
  try {
    return brandOf(name) in error
  } catch {
    // `in` throws if `error` is a Proxy that was revoked, or a Proxy whose trap throws. No copy of this package makes
    // such an error, so the answer is false.
    return false
  }
}

/**
 * Returns the name with which `brand` has marked `prototype`; null if `brand` has not marked this prototype. A mark of
 * a base class does not count.
 */
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
