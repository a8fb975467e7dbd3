/**
 * A number for each object, function or symbol that was an argument. Two objects have different numbers, even if their
 * contents are equal.
 */
const identities = new WeakMap<WeakKey, number>()
let lastIdentity = 0

/**
 * Returns a string for a list of arguments. Two lists get the same string if they have the same primitive values and
 * the same objects. Two objects with equal contents are not the same.
 */
export function keyOfArguments(...args: readonly unknown[]): string {
  return args.map(keyOf).join()
}

function keyOf(x: unknown): string {
  if (typeof x === 'string') return JSON.stringify(x)
  if (typeof x === 'symbol') {
    // A WeakMap refuses a symbol of `Symbol.for`. Two such symbols with one name are the same symbol.
    const name = Symbol.keyFor(x)
    return name === undefined ? identityOf(x) : `Symbol.for(${JSON.stringify(name)})`
  }
  if ((typeof x === 'object' && x !== null) || typeof x === 'function') return identityOf(x)
  return typeof x === 'bigint' ? `${x}n` : String(x)
}

function identityOf(x: WeakKey): string {
  let identity = identities.get(x)
  if (identity === undefined) identities.set(x, (identity = ++lastIdentity))
  return `#${identity}`
}
