/**
 * Reads arrays, maps and sets in the way in which the engine reads them when it copies them. A plain `for` loop would
 * read something else in some cases: a subclass may have replaced the iterator, an object may inherit from `Map`
 * without being a map, and an array may be long and nearly empty.
 */
import { types } from 'node:util'

/**
 * An array longer than this counts as sparse (nearly empty), and the callers list only its existing keys, because a
 * loop over all indexes would take seconds.
 */
const longestDense = 2 ** 25

export function isDenseArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= longestDense
}

/** Returns the entries of a map; null if `value` is not a map. */
export function entriesOf(value: unknown): Iterable<[key: unknown, item: unknown]> | null {
  return types.isMap(value) ? Map.prototype.entries.call(value) : null
}

/** Returns the items of a set; null if `value` is not a set. */
export function itemsOf(value: unknown): Iterable<unknown> | null {
  return types.isSet(value) ? Set.prototype.values.call(value) : null
}
