/** Escapes the control characters in a text, so that a text of a client cannot control the terminal. */
export function escapeControlCharacters(text: string): string {
  // oxlint-disable-next-line eslint/no-control-regex -- the function replaces control characters
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, escapeOf)
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) as number
  return character === '\r' ? '\\r' : `\\x${code.toString(16).padStart(2, '0')}`
}
