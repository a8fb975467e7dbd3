/** The format of the pipe to a process's watch thread: each message is a fixed number of 32-bit integers. */
const wordLength = 4

export function encodeWords(...words: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(words.length * wordLength)
  for (const [index, word] of words.entries()) buffer.writeInt32LE(word, index * wordLength)
  return buffer
}

/** Returns a listener for chunks of bytes. It calls `deliver` for each message of `count` integers. */
export function readWords(
  count: number,
  deliver: (first: number, second: number) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const length = count * wordLength
    let at = 0
    for (; at + length <= data.length; at += length) {
      deliver(data.readInt32LE(at), count > 1 ? data.readInt32LE(at + wordLength) : 0)
    }
    rest = Buffer.from(data.subarray(at))
  }
}
