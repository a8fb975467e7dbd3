/**
 * Splits a `$` template into words, as a shell does with quotes, but expands nothing. Escapes are those of JavaScript:
 * `\n` is a newline wherever it stands, `\\` a backslash. A character that is written with an escape is always a part
 * of a word: it neither separates words nor begins a quotation.
 */
import { describe } from '@tasktree/core/lowlevel'

/**
 * A value for `${}`. A value that is not an array becomes one argument; an array becomes one argument for each item.
 */
export type CommandValue = string | number | bigint | readonly (string | number | bigint)[]

/** One piece of a word: text, or the index of a `${}` of the template. */
type Piece = string | number

const WHITESPACE = ' \t\r\n'
const QUOTES = '\'"'

/**
 * Returns the program and its arguments.
 *
 * @throws {TypeError} when there is no program, for an escape that JavaScript does not know, and for a value that is
 * not a CommandValue
 * @throws {RangeError} for a quotation that is not closed
 */
export function toArgs(
  template: TemplateStringsArray,
  values: readonly CommandValue[],
): [program: string, ...args: string[]] {
  const texts = values.map(toTexts)
  const [program, ...rest] = splitWords(template).flatMap((word) => fill(word, texts))
  if (program === undefined) throw new TypeError('$ takes a program and its arguments, got nothing')
  return [program, ...rest]
}

function toTexts(value: CommandValue, index: number): readonly string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  return items.map((item) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'bigint')
      return String(item)
    throw new TypeError(
      `the ${index + 1}. \${} of a command must be a string, a number or an array of them, got ${describe(item)}`,
    )
  })
}

function splitWords({ raw }: TemplateStringsArray): Piece[][] {
  const words: Piece[][] = []
  // The current word; null between two words. Quotes with nothing between them are a word.
  let word: Piece[] | null = null
  let quote: string | null = null
  const add = (piece: Piece): void => {
    word ??= []
    const last = word.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') word[word.length - 1] = last + piece
    else word.push(piece)
  }
  for (const [index, text] of raw.entries()) {
    if (index > 0) add(index - 1)
    for (let at = 0; at < text.length; at++) {
      const c = text[at] as string
      if (c === '\\') {
        const escape = readEscape(text, at)
        if (escape.text !== '') add(escape.text)
        at = escape.last
      } else if (quote !== null) {
        if (c === quote) quote = null
        else add(c)
      } else if (QUOTES.includes(c)) {
        quote = c
        add('')
      } else if (WHITESPACE.includes(c)) {
        if (word !== null) words.push(word)
        word = null
      } else {
        add(c)
      }
    }
  }
  if (quote !== null)
    throw new RangeError(`no closing quotation for the ${quote} in ${raw.join('${}')}`)
  if (word !== null) words.push(word)
  return words
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
  '\u2028': '',
  '\u2029': '',
}

/** Returns the text of the escape that begins at `at`, and the index of its last character. */
function readEscape(raw: string, at: number): { text: string; last: number } {
  const c = String.fromCodePoint(raw.codePointAt(at + 1) as number)
  if (c === 'x' || c === 'u') {
    const code = /^(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\})/i.exec(raw.slice(at + 1))
    const number = Number.parseInt(code?.[1] ?? code?.[2] ?? code?.[3] ?? 'none', 16)
    if (code === null || number > 0x10_ffff) throw unknownEscape(raw, at)
    return { text: String.fromCodePoint(number), last: at + code[0].length }
  }
  if (/\d/.test(c)) {
    if (c !== '0' || /\d/.test(raw[at + 2] ?? '')) throw unknownEscape(raw, at)
    return { text: '\0', last: at + 1 }
  }
  return { text: ESCAPES[c] ?? c, last: at + c.length }
}

function unknownEscape(raw: string, at: number): TypeError {
  return new TypeError(
    `a command has an escape that JavaScript does not know: ${raw.slice(at, at + 8)}`,
  )
}

/** Returns the arguments that a word stands for: each item of an array, after the first item, begins a new argument. */
function fill(word: readonly Piece[], texts: readonly (readonly string[])[]): string[] {
  const args = ['']
  let isEmpty = true
  let hasHole = false
  for (const piece of word) {
    const [first, ...more] = typeof piece === 'string' ? [piece] : (texts[piece] ?? [])
    if (typeof piece === 'number') {
      hasHole = true
      if (first !== undefined) isEmpty = false
    } else if (piece !== '') {
      isEmpty = false
    }
    args.push((args.pop() as string) + (first ?? ''))
    // A spread into the arguments of `push` would overflow the stack for some 100,000 items.
    for (const text of more) args.push(text)
  }
  // An empty array gives no argument; empty quotes and an empty string give one empty argument.
  return hasHole && isEmpty ? [] : args
}
