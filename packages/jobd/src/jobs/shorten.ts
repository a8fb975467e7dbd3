/** The text of an error is kept up to this many characters. Of a longer text the beginning and the end are kept. */
export const longestError = 8_192

/**
 * Returns the text of an error as it is stored in the jobs' file, shown in the dashboard and written to the log. The
 * middle of a text that is too long is replaced by a line that says how much is missing.
 */
export function shorten(text: string): string {
  if (text.length <= longestError) return text.toWellFormed()
  const head = text.slice(0, longestError / 2)
  const tail = text.slice(-longestError / 2)
  const omitted = text.length - longestError
  return `${copy(head)}\n[${omitted} characters are left out here]\n${copy(tail)}`
}

/**
 * Returns the characters of a part of a text in memory of their own, because a slice keeps the whole text alive. Half
 * of a character, which the cut may leave, becomes U+FFFD, as it would in the jobs' file.
 */
function copy(part: string): string {
  return Buffer.from(part).toString()
}
