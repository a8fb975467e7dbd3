import { isUtf8 } from 'node:buffer'
import { splitInline } from './inline-command.ts'
import { ProtocolError } from './resp.ts'

/** An argument as a client sent it: a Buffer when it is not UTF-8. */
export type Word = string | Buffer

/** The limits for a client, so that a hostile client cannot fill the memory. */
export const limits = {
  /** How many arguments a command may have. */
  arguments: 1_024,
  argument: 1_048_576,
  /** How many bytes all arguments of a command may have together. */
  command: 4_194_304,
  /** How many bytes a line may have. A line is an inline command, or the header of an array or of a bulk string. */
  line: 65_536,
  /** The limits for a client that has not given the password yet. They are enough for the command that gives it. */
  unknown: { arguments: 10, argument: 16_384 },
}

const [CR, LF, STAR, DOLLAR, MINUS] = [13, 10, 42, 36, 45]

/**
 * Makes commands of the bytes of a client: RESP arrays of bulk strings, and inline commands. Chunks may begin and end
 * anywhere. The parser keeps at most one incomplete command and the last chunk in memory.
 */
export class CommandParser {
  /** Whether the client has given the password, or needs none. */
  isKnown = true
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  /** Chunks that came after `#bytes`. They are joined only when there are enough bytes to read the next part. */
  #later: Buffer[] = []
  #available = 0
  #needed = 1
  /** The array that is being read: how many of its arguments are missing, and the arguments that have arrived. */
  #missing = 0
  #words: Word[] = []
  #size = 0
  /** The length of the argument that is being read; -1 until its header has arrived. */
  #length = -1

  /** Adds bytes from the client. The parser keeps `chunk`, so the caller must not change it afterwards. */
  feed(chunk: Buffer): void {
    if (this.#available === 0) {
      this.#bytes = chunk
      this.#at = 0
    } else this.#later.push(chunk)
    this.#available += chunk.length
  }

  /** Whether a part of a command has arrived. The server limits the time until the rest must arrive. */
  get isMidway(): boolean {
    return this.#available > 0 || this.#missing > 0
  }

  /**
   * Returns the next command, or null if more bytes are needed.
   *
   * @throws {ProtocolError} for bytes that are not a command
   */
  next(): Word[] | null {
    for (;;) {
      if (this.#available < this.#needed) return null
      this.#gather()
      this.#needed = 1
      if (this.#missing > 0) {
        if (!this.#readArguments()) return null
        const words = this.#words
        this.#words = []
        this.#size = 0
        return words
      }
      const isArray = this.#bytes[this.#at] === STAR
      const end = this.#findLine(isArray ? 'too big mbulk count string' : 'too big inline request')
      if (end === -1) return null
      if (isArray) {
        const count = this.#takeNumber(end)
        if (count === null || count > limits.arguments)
          throw new ProtocolError('invalid multibulk length')
        if (!this.isKnown && count > limits.unknown.arguments)
          throw new ProtocolError('unauthenticated multibulk length')
        // An array without elements is not a command.
        this.#missing = Math.max(0, count)
        continue
      }
      const line = this.#bytes.subarray(this.#at, end)
      this.#skip(end + 1)
      const words = splitInline(line)
      if (words === null) throw new ProtocolError('unbalanced quotes in request')
      if (words.length > limits.arguments) throw new ProtocolError('too many arguments')
      if (words.length > 0) return words.map((word) => toWord(word, 0, word.length))
    }
  }

  /** Reads the arguments that have arrived. Returns whether all arguments of the command are there. */
  #readArguments(): boolean {
    while (this.#missing > 0) {
      if (this.#length === -1 && !this.#readLength()) return false
      const end = this.#at + this.#length
      if (end + 2 > this.#bytes.length) {
        this.#needed = this.#length + 2
        return false
      }
      if (this.#bytes[end] !== CR || this.#bytes[end + 1] !== LF)
        throw new ProtocolError('expected CRLF after a bulk string')
      this.#words.push(toWord(this.#bytes, this.#at, end))
      this.#skip(end + 2)
      this.#length = -1
      this.#missing--
    }
    return true
  }

  #readLength(): boolean {
    if (this.#at === this.#bytes.length) return false
    const end = this.#findLine('too big bulk count string')
    if (end === -1) return false
    const first = this.#bytes[this.#at] as number
    if (first !== DOLLAR)
      throw new ProtocolError(`expected '$', got '${String.fromCharCode(first)}'`)
    const length = this.#takeNumber(end)
    if (length === null || length < 0 || length > limits.argument)
      throw new ProtocolError('invalid bulk length')
    if (!this.isKnown && length > limits.unknown.argument)
      throw new ProtocolError('unauthenticated bulk length')
    this.#size += length
    if (this.#size > limits.command) throw new ProtocolError('too big request')
    this.#length = length
    return true
  }

  /** Returns the index of the line's end, or -1 if the end has not arrived yet. */
  #findLine(tooLong: string): number {
    const end = this.#bytes.indexOf(LF, this.#at)
    if ((end === -1 ? this.#bytes.length : end) - this.#at > limits.line)
      throw new ProtocolError(tooLong)
    if (end === -1) this.#needed = this.#available + 1
    return end
  }

  /** Reads the number of a header that ends at `end`; null when the header holds no number. */
  #takeNumber(end: number): number | null {
    const bytes = this.#bytes
    let at = this.#at + 1
    this.#skip(end + 1)
    if (bytes[end - 1] !== CR) return null
    const isNegative = bytes[at] === MINUS
    if (isNegative) at++
    const digits = end - 1 - at
    if (digits < 1 || digits > 10) return null
    let n = 0
    for (; at < end - 1; at++) {
      const digit = (bytes[at] as number) - 48
      if (digit < 0 || digit > 9) return null
      n = n * 10 + digit
    }
    return isNegative ? -n : n
  }

  #skip(to: number): void {
    this.#available -= to - this.#at
    this.#at = to
  }

  #gather(): void {
    if (this.#later.length === 0) return
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later])
    this.#at = 0
    this.#later = []
  }
}

function toWord(bytes: Buffer, start: number, end: number): Word {
  const text = bytes.toString('utf8', start, end)
  // A text with the replacement character may have lost bytes in decoding; any other text has not.
  if (!text.includes('\uFFFD')) return text
  const exact = bytes.subarray(start, end)
  return isUtf8(exact) ? text : Buffer.from(exact)
}
