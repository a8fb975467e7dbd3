/**
 * Returns `text` as one line that is safe to print on a terminal: control characters, line breaks and the marks that
 * change the direction of writing become escapes. Otherwise the name of a task could clear the screen, or forge a line
 * of the task tree.
 */
export function printable(text: string): string {
  return unprintable.test(text) ? text.replaceAll(new RegExp(unprintable, 'g'), escape) : text
}

// oxlint-disable-next-line eslint/no-control-regex -- the expression finds exactly these characters
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/

function escape(character: string): string {
  const code = character.charCodeAt(0)
  if (code === 9) return '\\t'
  if (code === 10) return '\\n'
  if (code === 13) return '\\r'
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}
