/**
 * A number for each object, function or symbol that was an argument. Two objects have different numbers, even if their
 * contents are equal.
 */
const identities = new Map<symbol, number>()
const objectIdentities = new WeakMap<object, number>()
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
  if (typeof x === 'symbol') return identityIn(identities, x)
  if ((typeof x === 'object' && x !== null) || typeof x === 'function') {
    return identityIn(objectIdentities, x)
  }
  return typeof x === 'bigint' ? `${x}n` : String(x)
}

function identityIn<K extends WeakKey>(
  known: { get(key: K): number | undefined; set(key: K, identity: number): unknown },
  x: K,
): string {
  let identity = known.get(x)
  if (identity === undefined) known.set(x, (identity = ++lastIdentity))
  return `#${identity}`
}
