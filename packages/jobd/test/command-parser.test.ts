import { expect, test } from 'vitest'
import { CommandParser, limits, type Word } from '../src/protocol/command-parser.ts'
import { ProtocolError } from '../src/protocol/resp.ts'

/** Parses `pieces` one after another. Returns all commands, and last the text of the error if there was one. */
function parse(...pieces: (string | Buffer)[]): (Word[] | string)[] {
  const parser = new CommandParser()
  const found: (Word[] | string)[] = []
  try {
    for (const piece of pieces) {
      parser.feed(Buffer.from(piece as string, 'latin1'))
      for (let words = parser.next(); words !== null; words = parser.next()) found.push(words)
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    found.push(error.message)
  }
  return found
}

function frame(...words: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)]
  for (const word of words) {
    const bytes = Buffer.from(word as string)
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

test('the parser reads an array of bulk strings as a command', () => {
  expect(parse('*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n')).toEqual([['ECHO', 'hello']])
  expect(parse(frame('ECHO', ''))).toEqual([['ECHO', '']])
  expect(parse(frame('ECHO', 'naïve ☃ \r\n*1\r\n'))).toEqual([['ECHO', 'naïve ☃ \r\n*1\r\n']])
})

test('the parser reads several commands in one chunk, as arrays and as lines', () => {
  expect(parse(`${String(frame('PING'))}PING\r\n\r\n  \n${String(frame('A', 'b'))}quit\n`)).toEqual(
    [['PING'], ['PING'], ['A', 'b'], ['quit']],
  )
})

test('the parser skips an empty array', () => {
  expect(parse('*0\r\n*-1\r\nPING\r\n')).toEqual([['PING']])
})

test('the parser keeps an argument that is not UTF-8 as bytes', () => {
  const bytes = Buffer.from([0xff, 0, 0x80])
  expect(parse(frame('ECHO', bytes))).toEqual([['ECHO', bytes]])
  // The character U+FFFD, by which a decoder replaces wrong bytes, is a valid text itself.
  expect(parse(frame('ECHO', '\uFFFD'))).toEqual([['ECHO', '\uFFFD']])
})

// The expected words are the results of `sdssplitargs`, the function of Redis for such lines.
test.for<[line: string, words: Word[] | string]>([
  ['set  a\tb', ['set', 'a', 'b']],
  ['echo "a b"', ['echo', 'a b']],
  [String.raw`echo "\x41\n\r\t\b\a\"\\\q"`, ['echo', 'A\n\r\t\b\u0007"\\q']],
  [String.raw`echo "\xzz"`, ['echo', 'xzz']],
  [String.raw`echo "\xff"`, ['echo', Buffer.from([0xff])]],
  [String.raw`echo 'it\'s \n'`, ['echo', String.raw`it's \n`]],
  ['echo "" \'\'', ['echo', '', '']],
  ['echo a"b c"', ['echo', 'ab c']],
  ['echo "a"b', 'unbalanced quotes in request'],
  ['echo "a', 'unbalanced quotes in request'],
  ["echo 'a", 'unbalanced quotes in request'],
  [String.raw`echo "a\"`, 'unbalanced quotes in request'],
])('the parser splits the inline line %s as Redis does', ([line, words]) => {
  expect(parse(`${line}\r\n`)).toEqual([words])
})

test.for<[name: string, frame: string, error: string]>([
  ['no number', '*x\r\n', 'invalid multibulk length'],
  ['too many arguments', '*1025\r\n', 'invalid multibulk length'],
  ['a number that overflows', '*99999999999999999999\r\n', 'invalid multibulk length'],
  ['a number with a sign', '*+1\r\n', 'invalid multibulk length'],
  ['no bulk string', '*1\r\n:1\r\n', "expected '$', got ':'"],
  ['an empty header', '*1\r\n\r\n', "expected '$', got '\r'"],
  ['a negative length', '*1\r\n$-1\r\n', 'invalid bulk length'],
  ['a length that is none', '*1\r\n$a\r\n', 'invalid bulk length'],
  ['a fraction', '*1\r\n$1.5\r\n', 'invalid bulk length'],
  ['a huge argument', '*1\r\n$2147483647\r\n', 'invalid bulk length'],
  ['no CR in a header', '*1\r\n$1\nx\r\n', 'invalid bulk length'],
  ['a bad terminator', '*1\r\n$1\r\nxyz', 'expected CRLF after a bulk string'],
  ['an endless line', 'x'.repeat(limits.line + 1), 'too big inline request'],
  ['an endless count', `*${'1'.repeat(limits.line)}`, 'too big mbulk count string'],
  ['an endless length', `*1\r\n$${'1'.repeat(limits.line)}`, 'too big bulk count string'],
])('the parser refuses %s with an error of the protocol', ([, text, error]) => {
  expect(parse(text)).toEqual([error])
  // A command before the wrong bytes is still parsed.
  expect(parse(`PING\r\n${text}`)).toEqual([['PING'], error])
})

test('the parser refuses a command whose arguments together are too large', () => {
  const argument = Buffer.alloc(limits.argument, 'x')
  const most = Math.floor(limits.command / limits.argument)
  expect(parse(frame(...Array.from({ length: most }, () => argument)))).toHaveLength(1)
  const parsed = parse(frame(...Array.from({ length: most + 1 }, () => argument)))
  expect(parsed).toEqual(['too big request'])
})

test('the parser takes only small commands before the client has given the password', () => {
  const parser = new CommandParser()
  parser.isKnown = false
  parser.feed(frame('AUTH', 'open sesame'))
  expect(parser.next()).toEqual(['AUTH', 'open sesame'])
  parser.feed(Buffer.from('*11\r\n'))
  expect(() => parser.next()).toThrow('unauthenticated multibulk length')
  const other = new CommandParser()
  other.isKnown = false
  other.feed(Buffer.from('*1\r\n$16385\r\n'))
  expect(() => other.next()).toThrow('unauthenticated bulk length')
})

const conversation = Buffer.concat([
  frame('JOB.ADD', 'shell', 'echo "☃"', 'PRIORITY', '-5'),
  Buffer.from('PING\r\n\r\nECHO "a b" \'c\'\n*0\r\n'),
  frame('ECHO', Buffer.from([0xc3])),
  frame('', ''),
])

test('the parser reads the same commands wherever the bytes are split', () => {
  const whole = parse(conversation)
  expect(whole).toHaveLength(5)
  expect(parse(...Array.from(conversation, (byte) => Buffer.from([byte])))).toEqual(whole)
  for (let at = 1; at < conversation.length; at++)
    expect(parse(conversation.subarray(0, at), conversation.subarray(at))).toEqual(whole)
})

test('the parser reads a large argument that comes in many pieces', () => {
  const argument = 'x'.repeat(limits.argument)
  const bytes = frame('ECHO', argument)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 100) pieces.push(bytes.subarray(at, at + 100))
  expect(parse(...pieces)).toEqual([['ECHO', argument]])
})

test('the parser knows whether it is in the middle of a command', () => {
  const parser = new CommandParser()
  expect(parser.isMidway).toBe(false)
  parser.feed(Buffer.from('*2\r\n'))
  expect(parser.next()).toBeNull()
  expect(parser.isMidway).toBe(true)
  parser.feed(Buffer.from('$4\r\nECHO\r\n$1\r\na\r\n'))
  expect(parser.next()).toEqual(['ECHO', 'a'])
  expect(parser.isMidway).toBe(false)
})

/** Makes a function that draws random numbers, the same ones for the same seed (mulberry32). */
function makeRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0
  }
}

const pieces = [
  '*',
  '$',
  '\r\n',
  '\n',
  '\r',
  '-1',
  '0',
  '1',
  '2',
  '4',
  '1024',
  '99999999999',
  '"',
  "'",
  '\\x',
  'PING',
  ' ',
  '\0',
  '\u00ff',
  ':',
  '+',
]

/** Makes a random frame, or a correct frame in which something was changed. */
function mutate(random: (below: number) => number): Buffer {
  const make = random(3)
  if (make === 0)
    return Buffer.from(
      Array.from({ length: random(24) }, () => pieces[random(pieces.length)]).join(''),
      'latin1',
    )
  const bytes = Buffer.from(conversation)
  for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256)
  const [from, to] = [random(bytes.length), random(bytes.length)]
  return make === 1 ? bytes : Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
}

test(
  '100,000 random frames are read as commands or refused, and alike if they are split',
  { tags: ['slow'] },
  () => {
    const random = makeRandom(7379)
    let [commands, errors] = [0, 0]
    for (let i = 0; i < 100_000; i++) {
      const bytes = mutate(random)
      const whole = parse(bytes)
      const at = random(bytes.length + 1)
      const halves = parse(bytes.subarray(0, at), bytes.subarray(at))
      // A comparison of texts is cheaper than `expect`, which runs only on a difference.
      if (JSON.stringify(halves) !== JSON.stringify(whole)) expect(halves).toEqual(whole)
      for (const each of whole) {
        if (typeof each === 'string') errors++
        else commands++
      }
    }
    // The frames must have given many commands and many errors, so that the test has tested both.
    expect(commands).toBeGreaterThan(100_000)
    expect(errors).toBeGreaterThan(20_000)
  },
)
