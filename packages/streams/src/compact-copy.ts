/**
 * Copies for callers that may keep a few bytes for a long time.
 *
 * A Buffer keeps the whole memory alive that it is a view of. Node's own pool has slabs of 64 KiB, so `Buffer.from`
 * of a 100-byte record keeps 64 KiB if the caller drops the records around it. Slabs of 8 KiB bound this, at about
 * the same cost per copy.
 */

const SLAB = 8192

let slab: Buffer | null = null
let used = 0

/** A copy of `bytes`. It keeps at most 8 KiB alive, or its own size if this is more than 4 KiB. */
export function compactCopy(bytes: Uint8Array): Buffer {
  const n = bytes.length
  if (n * 2 > SLAB) {
    const own = Buffer.allocUnsafeSlow(n)
    own.set(bytes)
    return own
  }
  if (slab === null || used + n > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const copy = slab.subarray(used, used + n)
  copy.set(bytes)
  // The next copy begins at a multiple of 8, as Node's do.
  used = (used + n + 7) & ~7
  return copy
}
