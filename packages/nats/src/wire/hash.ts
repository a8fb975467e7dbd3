/**
 * FNV-1a over the UTF-16 units, then the last steps of MurmurHash3, without which similar texts have similar hashes. Each `start`
 * makes another hash of the same text. The result is a whole number of 32 bits.
 */
export function hash(text: string, start: number = 0x811c_9dc5): number {
  let h = start
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193)
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return (h ^ (h >>> 16)) >>> 0
}
