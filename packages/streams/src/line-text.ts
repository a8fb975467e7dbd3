/** How many bytes a line feed has: 2 in UTF-16, and 1 in every other encoding that Node knows. */
export type CharacterWidth = 1 | 2

/** The encodings that are UTF-16. A line feed in UTF-16 begins at an even position. */
const utf16: ReadonlySet<string> = new Set(['utf16le', 'utf-16le', 'ucs2', 'ucs-2'])

/** The bytes of a line feed, for each number of bytes that a line feed can have. */
export const newlines: Readonly<Record<CharacterWidth, Buffer>> = {
  1: Buffer.from('\n'),
  2: Buffer.from('\n', 'utf16le'),
}

export function widthOf(encoding: BufferEncoding): CharacterWidth {
  return utf16.has(encoding.toLowerCase()) ? 2 : 1
}

/**
 * Decodes a line. Leaves out the `\n` or `\r\n` at its end. In UTF-16, also leaves out a single byte at the end of the
 * last line, which is only half a character.
 */
export function lineText(line: Buffer, encoding: BufferEncoding): string {
  const width = widthOf(encoding)
  let end = line.length - (line.length % width)
  if (isAt(line, end - width, 10, width)) {
    end -= width
    if (isAt(line, end - width, 13, width)) end -= width
  }
  return line.toString(encoding, 0, end)
}

/** Whether the character at position `at`, which has `width` bytes, has the code `code`. */
function isAt(line: Buffer, at: number, code: number, width: CharacterWidth): boolean {
  return at >= 0 && line[at] === code && (width === 1 || line[at + 1] === 0)
}
