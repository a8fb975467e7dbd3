/**
 * Copies for callers that may keep a few bytes for a long time.
 *
 * A Buffer keeps alive the whole memory that it is a view of. Node's pool has slabs of 64 KiB, so `Buffer.from` of a
 * 100-byte record keeps 64 KiB if the caller drops the records around it. Slabs of 16 KiB limit this: a copy of 1 KiB
 * costs about 0.1 us more. Larger copies come from Node's pool, which holds at most eight times their size.
 */

const SLAB = 16_384

let slab: Buffer | null = null
let used = 0

/** Returns a copy of `bytes`. The copy keeps at most 16 KiB in memory, or eight times its size. */
export function compactCopy(bytes: Uint8Array): Buffer {
  const n = bytes.length
  if (n * 2 > SLAB) return Buffer.from(bytes)
  if (slab === null || used + n > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    used = 0
  }
  const copy = slab.subarray(used, used + n)
  copy.set(bytes)
  // The next copy begins at a multiple of 8, like the copies of Node's pool.
  used = (used + n + 7) & ~7
  return copy
}
