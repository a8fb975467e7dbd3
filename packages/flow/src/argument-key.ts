/** The numbers by which objects, functions and symbols are told apart. */
const identities = new Map<symbol, number>()
const objectIdentities = new WeakMap<object, number>()
let lastIdentity = 0

/** A string that is the same for the same arguments: primitives by value, objects by identity. */
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
