import { describe } from '@tasktree/core/lowlevel'

export interface SplitOptions {
  /** Whether `#` begins a comment that lasts to the end of its line, even within a word. @defaultValue false */
  comments?: boolean | undefined
  /** When false, a backslash escapes nothing, and quotes stay in the words. @defaultValue true */
  posix?: boolean | undefined
}

/**
 * Splits command lines into words, and joins words into command lines. Source: the module shlex of Python. Differs:
 * there is no lexer class.
 *
 * @example
 *     console.log(shlex.split("cp 'my file' b")) // [ 'cp', 'my file', 'b' ]
 *     console.log(shlex.join(['cp', 'my file', 'b'])) // cp 'my file' b
 */
export const shlex: {
  /**
   * Divides a command line into words as a shell does, but expands nothing.
   *
   * @throws {RangeError} for a quotation without an end, and for a backslash at the end
   *
   * Source: shlex.split
   */
  readonly split: (s: string, options?: SplitOptions) => string[]
  /** Quotes `s` so that a shell takes it as one word. Source: shlex.quote */
  readonly quote: (s: string) => string
  /** Makes the command line that a shell divides into `args`. Source: shlex.join */
  readonly join: (args: readonly string[]) => string
} = { split, quote, join }

function split(s: string, options: SplitOptions = {}): string[] {
  checkString('split', s)
  const { comments = false, posix = true } = options
  return posix ? splitPosix(s, comments) : splitPlain(s, comments)
}

const whitespace = ' \t\r\n'
const quotes = '\'"'

function splitPosix(s: string, comments: boolean): string[] {
  const words: string[] = []
  // The current word; null between two words. Null differs from the empty string, because two quotes with nothing
  // between them are a word.
  let word: string | null = null
  const endWord = (): void => {
    if (word !== null) words.push(word)
    word = null
  }
  for (let at = 0; at < s.length; at++) {
    const c = s[at] as string
    if (whitespace.includes(c)) {
      endWord()
    } else if (comments && c === '#') {
      endWord()
      at = endOfLine(s, at)
    } else if (quotes.includes(c)) {
      const end = endOfQuotation(s, at, c === '"')
      const text = s.slice(at + 1, end)
      word = (word ?? '') + (c === '"' ? text.replaceAll(/\\(["\\])/g, '$1') : text)
      at = end
    } else if (c === '\\') {
      if (++at === s.length) throw new RangeError(`no escaped character at the end of ${s}`)
      word = (word ?? '') + s[at]
    } else {
      word = (word ?? '') + c
    }
  }
  endWord()
  return words
}

/**
 * Splits a line in which a backslash escapes nothing. A quotation at the beginning of a word is a separate word. Quotes
 * inside a word have no meaning.
 */
function splitPlain(s: string, comments: boolean): string[] {
  const words: string[] = []
  let word = ''
  for (let at = 0; at < s.length; at++) {
    const c = s[at] as string
    if (whitespace.includes(c)) {
      if (word !== '') words.push(word)
      word = ''
    } else if (comments && c === '#') {
      at = endOfLine(s, at)
    } else if (quotes.includes(c) && word === '') {
      const end = endOfQuotation(s, at, false)
      words.push(s.slice(at, end + 1))
      at = end
    } else {
      word += c
    }
  }
  if (word !== '') words.push(word)
  return words
}

function endOfLine(s: string, from: number): number {
  const end = s.indexOf('\n', from)
  return end === -1 ? s.length : end
}

function endOfQuotation(s: string, start: number, escapes: boolean): number {
  for (let at = start + 1; at < s.length; at++) {
    if (s[at] === s[start]) return at
    if (escapes && s[at] === '\\' && ++at === s.length)
      throw new RangeError(`no escaped character at the end of ${s}`)
  }
  throw new RangeError(`no closing quotation for the ${s[start]} at ${start} of ${s}`)
}

function quote(s: string): string {
  checkString('quote', s)
  if (s === '') return "''"
  if (!/[^\w@%+=:,./-]/.test(s)) return s
  return `'${s.replaceAll("'", `'"'"'`)}'`
}

function join(args: readonly string[]): string {
  if (!Array.isArray(args)) throw new TypeError(`join takes an array, got ${describe(args)}`)
  return args.map(quote).join(' ')
}

function checkString(name: string, s: unknown): void {
  if (typeof s !== 'string') throw new TypeError(`${name} takes a string, got ${describe(s)}`)
}
