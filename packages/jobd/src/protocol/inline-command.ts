const [SPACE, QUOTE, APOSTROPHE, BACKSLASH, SMALL_X] = [32, 34, 39, 92, 120]

const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: 10, r: 13, t: 9, b: 8, a: 7 }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
)

/**
 * Splits an inline command into words at white space. Double quotes may contain `\n`, `\x0a` and the like, single
 * quotes only `\'`. Returns null if a quote is not closed, or if a character other than white space follows it.
 *
 * Source: sdssplitargs of Redis
 */
export function splitInline(line: Buffer): Buffer[] | null {
  const words: Buffer[] = []
  let at = 0
  for (;;) {
    while (at < line.length && isSpace(line[at])) at++
    if (at >= line.length) return words
    const word: number[] = []
    while (at < line.length && !isSpace(line[at])) {
      const byte = line[at] as number
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        word.push(byte)
        at++
        continue
      }
      at = byte === QUOTE ? readDoubleQuoted(line, at + 1, word) : readQuoted(line, at + 1, word)
      if (at === -1 || (at < line.length && !isSpace(line[at]))) return null
    }
    words.push(Buffer.from(word))
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte !== undefined && (byte === SPACE || (byte >= 9 && byte <= 13) || byte === 0)
}

/** Returns the index after the closing quote, or -1 when the quote is not closed. */
function readDoubleQuoted(line: Buffer, from: number, word: number[]): number {
  let at = from
  while (at < line.length) {
    const byte = line[at] as number
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH || at + 1 >= line.length) {
      word.push(byte)
      at++
      continue
    }
    const escaped = line[at + 1] as number
    const hex = escaped === SMALL_X ? line.toString('latin1', at + 2, at + 4) : ''
    if (/^[\da-f]{2}$/i.test(hex)) {
      word.push(Number.parseInt(hex, 16))
      at += 4
    } else {
      word.push(escapes.get(escaped) ?? escaped)
      at += 2
    }
  }
  return -1
}

function readQuoted(line: Buffer, from: number, word: number[]): number {
  let at = from
  while (at < line.length) {
    const byte = line[at] as number
    if (byte === APOSTROPHE) return at + 1
    const isEscape = byte === BACKSLASH && line[at + 1] === APOSTROPHE
    word.push(isEscape ? APOSTROPHE : byte)
    at += isEscape ? 2 : 1
  }
  return -1
}
