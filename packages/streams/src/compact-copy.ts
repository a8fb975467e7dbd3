/**
 * Copies for callers that may keep a few bytes for a long time.
 *
 * The problem: Node puts Buffers of less than 32 KiB into shared blocks of 64 KiB. A block is freed only when no Buffer in
 * it is used any more. So a record of 100 bytes, copied by `Buffer.from`, keeps 64 KiB if the caller has dropped the
 * records around it.
 *
 * The idea: small copies share blocks of 16 KiB, so a record keeps at most 16 KiB. A copy of 1 KiB then costs about
 * 0.1 us more. A copy above 8 KiB has a block of its own, so a part of the copy keeps no other bytes than the copy.
 */

/** The size of a shared block, in bytes. A part of a chunk that is not larger than this is returned without a copy. */
const SLAB = 16_384
/**
 * A part of a larger block is returned without a copy only if it is more than one eighth of the block. A smaller part is
 * copied, so that the block can be freed.
 */
const HELD = 8

let slab: Buffer | null = null
let used = 0

/**
 * Returns a copy of `bytes`. The copy keeps at most 16 KiB in memory, or only itself if it is larger than 8 KiB.
 *
 * @example
 *     const block = Buffer.from('a big block of many records')
 *     const record = compactCopy(block.subarray(2, 5)) // does not keep the block in memory
 *     console.log(record.toString()) // big
 */
export function compactCopy(bytes: Uint8Array): Buffer {
  const n = bytes.length
  if (n * 2 > SLAB) {
    const large = Buffer.allocUnsafeSlow(n)
    large.set(bytes)
    return large
  }
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

/**
 * Returns the `n` bytes of `chunk` from position `start`. A view of the chunk would keep the whole block of memory in which
 * the chunk lies. So the result is a copy if the chunk has more than 16 KiB and the block has at least `8 * n` bytes.
 */
export function compactView(chunk: Buffer, start: number, n: number): Buffer {
  const view = chunk.subarray(start, start + n)
  if (chunk.length <= SLAB) return view
  const most = HELD * n
  // The length is compared first, because reading `chunk.buffer` takes about 10 ns. The block may be larger than the chunk:
  // a chunk from a socket may fill only half of its block.
  return chunk.length >= most || chunk.buffer.byteLength >= most ? compactCopy(view) : view
}
